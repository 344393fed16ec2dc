"""What went wrong, as MLflow's clients read it: `{"error_code": …, "message": …}` under the status that fits."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import structlog
from fastapi import Request, Response
from fastapi.routing import APIRoute

from murmur_access import TokensUnreadable
from murmur_kernel.auth import AuthError, NotSignedIn
from murmur_kernel.errors import Conflict, EventTooLarge, KernelError, Missing, NoSpace, Transient
from murmur_registry.domain.refusals import Invalid, NotAllowed, NotPossible, NotThere, Refusal, Taken
from murmur_registry.domain.reviews import ReviewNotPossible

log = structlog.get_logger()

_ANSWERS: tuple[tuple[type[Exception], str, int], ...] = (
    (Invalid, "INVALID_PARAMETER_VALUE", 400),
    (EventTooLarge, "INVALID_PARAMETER_VALUE", 400),
    (Taken, "RESOURCE_ALREADY_EXISTS", 400),
    (NotSignedIn, "UNAUTHENTICATED", 401),
    (AuthError, "PERMISSION_DENIED", 403),
    (NotAllowed, "PERMISSION_DENIED", 403),
    (NotThere, "RESOURCE_DOES_NOT_EXIST", 404),
    (Missing, "RESOURCE_DOES_NOT_EXIST", 404),
    (NotPossible, "INVALID_STATE", 409),
    (ReviewNotPossible, "INVALID_STATE", 409),
    (Conflict, "RESOURCE_CONFLICT", 409),
    (NoSpace, "TEMPORARILY_UNAVAILABLE", 507),
    (Transient, "TEMPORARILY_UNAVAILABLE", 503),
    (TokensUnreadable, "TEMPORARILY_UNAVAILABLE", 503),
)
"""The first that fits counts. A stock server answers INVALID_STATE with 500, which its clients repeat for minutes: 409
says the same and is final. Likewise 507 where a disk is full."""


def error_answer(error: Exception) -> Response | None:
    """None for what nobody foresaw."""
    for kind, code, status in _ANSWERS:
        if isinstance(error, kind):
            return answer({"error_code": code, "message": str(error)}, status)
    return None


def answer(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


class MlflowRoute(APIRoute):
    """Whatever is raised on the way, by the look at the caller's token too, is answered in MLflow's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except (Refusal, KernelError, ReviewNotPossible, TokensUnreadable) as error:
                told = error_answer(error)
                if told is None:
                    raise
                return told

        return handle
