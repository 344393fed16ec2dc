"""How this door refuses: a code of MLflow's, a message, and the HTTP status that its clients expect with that code."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from murmur_access import TokensUnreadable
from murmur_kernel.auth import AuthError, NotSignedIn
from murmur_kernel.errors import ArtifactError, BadCursor, Conflict, EventTooLarge, Missing, NoSpace, Transient
from murmur_mlflow.refusals import BadValue, NoSuchThing, NotHeard, Refusal

Row = tuple[type[Exception], str, int]
"""A kind of error, its code and its status."""

_OF_ALL: tuple[Row, ...] = (
    (BadCursor, BadValue.code, BadValue.status),
    (EventTooLarge, BadValue.code, BadValue.status),
    (NotSignedIn, "UNAUTHENTICATED", 401),
    (AuthError, "PERMISSION_DENIED", 403),
    (Missing, NoSuchThing.code, NoSuchThing.status),
    (Conflict, "RESOURCE_CONFLICT", 409),
    (NoSpace, "RESOURCE_EXHAUSTED", 507),
    (Transient, "TEMPORARILY_UNAVAILABLE", 503),
    (TokensUnreadable, "TEMPORARILY_UNAVAILABLE", 503),
    (ArtifactError, "DATA_LOSS", 500),
)
"""As in MLflow, but for RESOURCE_EXHAUSTED: its clients repeat a 429 at once, which makes no room on a disk."""


class Errors:
    """How one service's door refuses. rows: errors of its own; the first that fits counts, before those of all."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self._rows = (*rows, *_OF_ALL)

    def answer(self, error: Exception) -> Response | None:
        """What a client is answered; None for an error that is none of its making."""
        if isinstance(error, NotHeard):
            return self.answer(error.refusal)
        if isinstance(error, Refusal):
            return _answer(error.code, str(error), error.status)
        if isinstance(error, RequestValidationError):
            complaints = "; ".join(f"{_place(each)}: {each['msg']}" for each in error.errors())
            return _answer(BadValue.code, complaints, BadValue.status)
        for kind, code, status in self._rows:
            if isinstance(error, kind):
                answer = _answer(code, str(error), status)
                if status == 401:
                    answer.headers["WWW-Authenticate"] = 'Bearer realm="murmuration"'
                return answer
        return None

    def route(self) -> type[APIRoute]:
        """For `APIRouter(route_class=…)`: whatever is raised on the way, by whomever, is answered in MLflow's shape."""

        class MlflowRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                return errors.guarding(super().get_route_handler())

        errors = self
        return MlflowRoute

    def guarding(
        self, answer: Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as error:
                if (refused := self.answer(error)) is None:
                    raise
                return refused

        return guarded


def _answer(code: str, message: str, status: int) -> Response:
    body = orjson.dumps({"error_code": code, "message": message})
    return Response(body, status, media_type="application/json")


def _place(mistake: dict[str, Any]) -> str:
    return ".".join(str(part) for part in mistake["loc"][1:])
