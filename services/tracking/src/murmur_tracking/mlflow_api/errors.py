"""How this door refuses: a code of MLflow's, a message, and the HTTP status that its clients expect with that code."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from murmur_kernel.auth import AuthError, NotSignedIn
from murmur_kernel.errors import ArtifactError, BadCursor, EventTooLarge, NoSpace, Transient
from murmur_search import SearchRefused
from murmur_tracking.domain.refusals import BadValue, Refusal

_OTHERS: tuple[tuple[type[Exception], str, int], ...] = (
    (SearchRefused, BadValue.code, BadValue.status),
    (BadCursor, BadValue.code, BadValue.status),
    (EventTooLarge, BadValue.code, BadValue.status),
    (NotSignedIn, "UNAUTHENTICATED", 401),
    (AuthError, "PERMISSION_DENIED", 403),
    (NoSpace, "RESOURCE_EXHAUSTED", 507),
    (Transient, "TEMPORARILY_UNAVAILABLE", 503),
    (ArtifactError, "DATA_LOSS", 500),
)
"""The first that fits counts. As in MLflow, but for RESOURCE_EXHAUSTED: its clients repeat a 429 at once, which makes
no room on a disk."""


def refusal(error: Exception) -> Response | None:
    """What a client is answered; None for an error that is none of its making."""
    if isinstance(error, Refusal):
        return _answer(error.code, str(error), error.status)
    if isinstance(error, RequestValidationError):
        complaints = "; ".join(f"{_place(each)}: {each['msg']}" for each in error.errors())
        return _answer(BadValue.code, complaints, BadValue.status)
    for kind, code, status in _OTHERS:
        if isinstance(error, kind):
            answer = _answer(code, str(error), status)
            if status == 401:
                answer.headers["WWW-Authenticate"] = 'Bearer realm="murmuration"'
            return answer
    return None


class MlflowRoute(APIRoute):
    """A route whose errors have MLflow's shape, whoever raises them: for `APIRouter(route_class=MlflowRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except Exception as error:
                if (refused := refusal(error)) is None:
                    raise
                return refused

        return guarded


def _answer(code: str, message: str, status: int) -> Response:
    body = orjson.dumps({"error_code": code, "message": message})
    return Response(body, status, media_type="application/json")


def _place(mistake: dict[str, Any]) -> str:
    return ".".join(str(part) for part in mistake["loc"][1:])
