"""Asks who wants a prediction, where the flock asks: any living token will do, since a prediction changes nothing."""

from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from murmur_access import Role, TokenFile, TokensUnreadable
from murmur_serving.config import PROBE_HEADER

_ASKED = ("/infer", "/generate", "/generate_stream")
"""What uses the model. Whether it is ready, and what it takes, is answered to everybody."""


class TokenHoldersOnly:
    """ASGI middleware. The deployer's probes need none: Envoy takes their mark off what comes by the front door."""

    def __init__(self, app: ASGIApp, tokens: Path) -> None:
        self._app = app
        self._tokens = TokenFile(tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(HTTPConnection(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, call: HTTPConnection) -> JSONResponse | None:
        if not call.url.path.endswith(_ASKED) or PROBE_HEADER in call.headers:
            return None
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        try:
            person = self._tokens.person(token.strip()) if scheme.lower() == "bearer" else None
        except TokensUnreadable as error:
            return JSONResponse({"error": str(error)}, 503)
        if person is not None and person.may(Role.VIEWER):
            return None
        why = "predictions of this flock need a token: send `Authorization: Bearer <token>` (murmur tokens create)"
        return JSONResponse({"error": why}, 401, {"WWW-Authenticate": 'Bearer realm="murmuration"'})
