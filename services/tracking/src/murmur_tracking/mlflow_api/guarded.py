"""Routes of FastAPI at this door: for bodies that pass in pieces. Whatever they raise is answered in MLflow's shape."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from murmur_kernel.auth import AuthError, NotSignedIn
from murmur_kernel.errors import ArtifactError, KernelError, NoSpace, Transient
from murmur_tracking.domain import workspaces
from murmur_tracking.domain.refusals import BadValue, Refusal

WORKSPACE_HEADER = "X-Murmur-Workspace"

_OF_THE_KERNEL: tuple[tuple[type[KernelError], str, int], ...] = (
    (NotSignedIn, "UNAUTHENTICATED", 401),
    (AuthError, "PERMISSION_DENIED", 403),
    # MLflow's own 429 makes its clients repeat at once, which makes no room on a disk.
    (NoSpace, "RESOURCE_EXHAUSTED", 507),
    (Transient, "TEMPORARILY_UNAVAILABLE", 503),
    (ArtifactError, "DATA_LOSS", 500),
)
"""The first that fits counts."""


class TooLarge(Refusal):
    """With the status that every client knows, where MLflow's would say no more than that a value is bad."""

    code, status = "INVALID_PARAMETER_VALUE", 413


class NotOffered(Refusal):
    code, status = "NOT_IMPLEMENTED", 501


class GuardedRoute(APIRoute):
    """For `APIRouter(route_class=GuardedRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except Refusal as refusal:
                return _failure(refusal.code, str(refusal), refusal.status)
            except RequestValidationError as error:
                return _failure(BadValue.code, "; ".join(map(_mistake, error.errors())), BadValue.status)
            except KernelError as error:
                return _of_the_kernel(error)

        return guarded


def workspace_of(request: Request) -> str:
    """Whose names the call means. Raises BadValue."""
    name = request.headers.get(WORKSPACE_HEADER, workspaces.DEFAULT)
    if not workspaces.is_name(name):
        raise BadValue(f"{name!r} is no name for a workspace: use up to 64 letters, digits, - and _")
    return name


def _of_the_kernel(error: KernelError) -> Response:
    for kind, code, status in _OF_THE_KERNEL:
        if isinstance(error, kind):
            answer = _failure(code, str(error), status)
            if status == 401:
                answer.headers["WWW-Authenticate"] = 'Bearer realm="murmuration"'
            return answer
    raise error


def _failure(code: str, message: str, status: int) -> JSONResponse:
    return JSONResponse({"error_code": code, "message": message}, status_code=status)


def _mistake(mistake: dict[str, Any]) -> str:
    return f"{'.'.join(map(str, mistake['loc'][1:]))}: {mistake['msg']}"
