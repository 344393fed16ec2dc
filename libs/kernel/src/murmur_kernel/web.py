"""The web application of every service: health, metrics, dead letters, errors as problem+json, its own routes."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from murmur_access import TokensUnreadable
from murmur_kernel.auth import Forbidden, NotSignedIn, SomebodyElse, Unnamed, check_routes, describe_roles, open_to_all
from murmur_kernel.commands import idempotency_key, operation
from murmur_kernel.dead_letters_api import dead_letters_router
from murmur_kernel.errors import ArtifactError, BadCursor, Conflict, EventTooLarge, Missing, NoSpace, Refused, Transient
from murmur_kernel.health import CheckResult, Readiness
from murmur_kernel.telemetry import metrics

if TYPE_CHECKING:
    from murmur_kernel.service import Service

_PROBLEMS: dict[type[Exception], int] = {
    BadCursor: 400,
    Missing: 404,
    Refused: 409,
    Conflict: 409,
    ArtifactError: 410,
    EventTooLarge: 413,
    Transient: 503,
    NoSpace: 507,
    Forbidden: 403,
    SomebodyElse: 403,
    Unnamed: 422,
    TokensUnreadable: 503,
}


_PROBES = ("/livez", "/readyz", "/metrics")
"""Asked every few seconds by machines: no traces of those."""


def problem(status: int, title: str, detail: str, **more: Any) -> JSONResponse:
    """An error in the form of RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


_LOOKED_AT = open_to_all("whoever watches the process must see how it is, and no data of anybody")


def build_app(
    service: "Service[Any]",
    *,
    title: str,
    routers: Sequence[APIRouter],
    problems: Mapping[type[Exception], int],
    lifespan: Callable[[FastAPI], Any],
) -> FastAPI:
    """Raises RouteWithoutRole; what handlers raise is answered as `problems` and the kernel's own table say."""
    app = FastAPI(
        title=f"Murmuration: {title}",
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        telemetry={
            "tracing": service.tracing.enabled,
            "tracer_provider": service.tracing.provider,
            "operation_spans": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
            "exclude": lambda scope: scope["path"].endswith(_PROBES),
        },
    )
    app.state.service = service
    app.state.gate = service.gate
    app.add_middleware(Observed)
    for error, status in {**_PROBLEMS, **problems}.items():
        app.add_exception_handler(error, _answering(status))
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.include_router(_operations(service))
    app.include_router(dead_letters_router(service))
    for router in routers:
        app.include_router(router)
    check_routes(app)
    describe_roles(app)
    return app


def _operations(service: "Service[Any]") -> APIRouter:
    api = APIRouter(tags=["operations"], dependencies=[_LOOKED_AT])

    @api.get("/livez")
    async def livez(response: Response) -> CheckResult:
        """503 once a task of the service has died."""
        alive = service.health.alive
        response.status_code = 200 if alive.ok else 503
        return alive

    @api.get("/readyz")
    async def readyz(response: Response) -> Readiness:
        """503 while the service cannot do its work; the body says why."""
        readiness = await service.health.readiness()
        response.status_code = 200 if readiness.ready else 503
        return readiness

    @api.get("/metrics", response_class=Response)
    async def prometheus() -> Response:
        """Prometheus text format."""
        await service.health.readiness()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return api


class Observed:
    """Tells commands which call it is that they answer, and counts how long it took to begin the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        idempotency_key.set(Headers(scope=scope).get("idempotency-key"))
        operation.set(f"{scope['method']} {scope['path'].removeprefix(scope.get('root_path', ''))}")

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unmatched")
                took = time.perf_counter() - started
                metrics.requests.labels(scope["method"], route, message["status"]).observe(took)
            await send(message)

        await self._app(scope, receive, observed)


def _answering(status: int) -> Callable[[Request, Exception], JSONResponse]:
    def answer(request: Request, error: Exception) -> JSONResponse:
        return problem(status, type(error).__name__, str(error))

    return answer


def _not_signed_in(request: Request, error: Exception) -> JSONResponse:
    """RFC 6750: a call without a token is told only how to show one."""
    assert isinstance(error, NotSignedIn)
    answer = problem(401, "NotSignedIn", str(error), required_role=error.needed.value)
    invalid = ', error="invalid_token"' if error.shown else ""
    answer.headers["WWW-Authenticate"] = f'Bearer realm="murmuration"{invalid}'
    return answer


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    mistakes = [
        {"where": ".".join(map(str, mistake["loc"])), "message": mistake["msg"], "found": repr(mistake.get("input"))}
        for mistake in error.errors()
    ]
    detail = "; ".join(f"{m['where']}: {m['message']} (found {m['found']})" for m in mistakes)
    return problem(422, "Invalid request", detail, mistakes=mistakes)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, "Not possible", f"{request.method} {request.url.path}: {error.detail}")
