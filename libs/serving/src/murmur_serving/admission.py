"""Asks who wants something of a model server, where the flock asks: the same answer at both of its doors.

Whether it is ready, and what it takes, is told to everybody. A prediction changes nothing: any living token will do.
What a server has loaded is an operator's business.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpc ships no types
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from murmur_access import Role, TokenFile, TokensUnreadable
from murmur_serving.config import BATCH_HEADER, PROBE_HEADER

_OPEN_METHODS = ("GET", "HEAD", "OPTIONS")
_OPEN_CALLS = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata")
_LOADING = ("/load", "/unload", "/RepositoryModelLoad", "/RepositoryModelUnload")
_GRPC_CODES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 503: "UNAVAILABLE"}
_UNASKED = "predictions of this flock need a token: send `Authorization: Bearer <token>` (murmur tokens create)"


class Refused(Exception):
    """`status` is HTTP's: 401, 403 or 503."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Admission:
    """Decides by the token that a call shows; the deployer's probes and batches show the replica's own mark instead."""

    def __init__(self, tokens: TokenFile, mark: str) -> None:
        self._tokens = tokens
        self._mark = mark

    def admit(self, operation: str, headers: Mapping[str, str]) -> None:
        """headers: by lower-case names. Raises Refused."""
        shown = headers.get(PROBE_HEADER) or headers.get(BATCH_HEADER, "")
        if secrets.compare_digest(shown.encode(), self._mark.encode()):
            return
        needed = Role.OPERATOR if operation.endswith(_LOADING) else Role.VIEWER
        scheme, _, token = headers.get("authorization", "").partition(" ")
        try:
            person = self._tokens.person(token.strip()) if scheme.lower() == "bearer" else None
        except TokensUnreadable as error:
            raise Refused(503, str(error)) from error
        if person is None:
            raise Refused(401, _UNASKED)
        if not person.may(needed):
            raise Refused(403, f"this needs the role {needed.value!r}, which {person.subject!r} does not have")


class AskingWeb:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(HTTPConnection(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, call: HTTPConnection) -> JSONResponse | None:
        if call.scope["method"] in _OPEN_METHODS:
            return None
        try:
            self._admission.admit(call.scope["path"], call.headers)
        except Refused as refused:
            asks = {"WWW-Authenticate": 'Bearer realm="murmuration"'} if refused.status == 401 else None
            return JSONResponse({"error": str(refused)}, refused.status, asks)
        return None


class AskingGrpc(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc ships no types
    """Interceptor of an asyncio server."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or details.method.endswith(_OPEN_CALLS):
            return handler
        try:
            self._admission.admit(details.method, dict(details.invocation_metadata))
        except Refused as refused:
            return _refusing(handler, getattr(grpc.StatusCode, _GRPC_CODES[refused.status]), str(refused))
        return handler


def _refusing(handler: Any, code: Any, reason: str) -> Any:
    async def refuse(request: object, context: Any) -> None:
        await context.abort(code, reason)

    async def refuse_stream(requests: object, context: Any) -> AsyncIterator[object]:
        await context.abort(code, reason)
        yield None

    if handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(refuse_stream, handler.request_deserializer)
    return grpc.unary_unary_rpc_method_handler(refuse, handler.request_deserializer)
