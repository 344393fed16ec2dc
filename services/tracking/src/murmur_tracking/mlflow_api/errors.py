"""How this door refuses: a code of MLflow's, a message, and the HTTP status that its clients expect with that code."""

from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from murmur_kernel.auth import Forbidden, NotSignedIn
from murmur_kernel.errors import ArtifactError, KernelError, NoSpace, Transient


class Code(StrEnum):
    """The codes of MLflow's that this door gives."""

    INVALID_PARAMETER_VALUE = "INVALID_PARAMETER_VALUE"
    RESOURCE_DOES_NOT_EXIST = "RESOURCE_DOES_NOT_EXIST"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    TEMPORARILY_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"
    DATA_LOSS = "DATA_LOSS"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"


_STATUS = {
    Code.INVALID_PARAMETER_VALUE: 400,
    Code.RESOURCE_DOES_NOT_EXIST: 404,
    Code.NOT_IMPLEMENTED: 501,
    Code.RESOURCE_EXHAUSTED: 507,
    Code.TEMPORARILY_UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
}
"""As in MLflow, but for RESOURCE_EXHAUSTED: its clients repeat a 429 at once, which makes no room on a disk."""

_OF_THE_KERNEL: tuple[tuple[type[KernelError], Code], ...] = (
    (NotSignedIn, Code.UNAUTHENTICATED),
    (Forbidden, Code.PERMISSION_DENIED),
    (NoSpace, Code.RESOURCE_EXHAUSTED),
    (Transient, Code.TEMPORARILY_UNAVAILABLE),
    (ArtifactError, Code.DATA_LOSS),
)
"""The first that fits counts."""


class MlflowError(Exception):
    """What is said to a client; `status` where the code's own would mislead those who are none of MLflow's."""

    def __init__(self, code: Code, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status or _STATUS[code]


def invalid(message: str) -> MlflowError:
    return MlflowError(Code.INVALID_PARAMETER_VALUE, message)


def missing(message: str) -> MlflowError:
    return MlflowError(Code.RESOURCE_DOES_NOT_EXIST, message)


class MlflowRoute(APIRoute):
    """A route whose errors have MLflow's shape, whoever raises them: for `APIRouter(route_class=MlflowRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except MlflowError as error:
                return _answer(error)
            except RequestValidationError as error:
                return _answer(invalid("; ".join(f"{_place(each)}: {each['msg']}" for each in error.errors())))
            except KernelError as error:
                code = next((code for kind, code in _OF_THE_KERNEL if isinstance(error, kind)), None)
                if code is None:
                    raise
                refusal = _answer(MlflowError(code, str(error)))
                if isinstance(error, NotSignedIn):
                    refusal.headers["WWW-Authenticate"] = 'Bearer realm="murmuration"'
                return refusal

        return guarded


def _answer(error: MlflowError) -> JSONResponse:
    return JSONResponse({"error_code": error.code.value, "message": str(error)}, status_code=error.status)


def _place(mistake: dict[str, Any]) -> str:
    return ".".join(str(part) for part in mistake["loc"][1:])
