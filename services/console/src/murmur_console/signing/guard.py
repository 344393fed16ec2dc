"""Lets nobody past the sign-in page without a session: not to a page, not to the websocket behind one."""

from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from murmur_console.signing.sessions import Sessions

SIGN_IN = "/sign-in"
_OPEN = ("/livez", "/readyz", "/metrics", SIGN_IN)
"""Those who look after the process, and the page itself."""
_OPEN_FOLDERS = ("/static/",)
"""Style sheets: without them the sign-in page is bare."""


def sign_in_for(wanted: str) -> str:
    """The address of the sign-in page that leads on to `wanted`."""
    return f"{SIGN_IN}?next={quote(wanted)}"


class SignedInOnly:
    """ASGI middleware around the whole console."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._may_pass(HTTPConnection(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401, "reason": "sign in first"})
        else:
            await _refusal(scope)(scope, receive, send)

    def _may_pass(self, connection: HTTPConnection) -> bool:
        path = connection.url.path
        if not self._sessions.needed or path in _OPEN or path.startswith(_OPEN_FOLDERS):
            return True
        return self._sessions.of(connection.cookies) is not None


def _refusal(scope: Scope) -> Response:
    """A page leads to the sign-in page and back; whatever else asks is told 401."""
    connection = HTTPConnection(scope)
    if scope["method"] == "GET" and "text/html" in connection.headers.get("accept", ""):
        wanted = connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")
        return RedirectResponse(sign_in_for(wanted), status_code=303)
    problem = {"type": "about:blank", "title": "NotSignedIn", "status": 401, "detail": f"sign in at {SIGN_IN} first"}
    return JSONResponse(problem, 401, {"WWW-Authenticate": "Bearer"}, "application/problem+json")
