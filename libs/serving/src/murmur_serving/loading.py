"""Answers for a model that is about to be there: a server listens a moment before its first model is loaded."""

from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_MODELS = "/v2/models/"


class StillLoading:
    """ASGI middleware: 503 with Retry-After, at which the front door asks again. MLServer would know no such
    model. loading: whether the model of that name is one to wait for.
    """

    def __init__(self, app: ASGIApp, loading: Callable[[str], bool]) -> None:
        self._app = app
        self._loading = loading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(_MODELS):
            name = scope["path"].removeprefix(_MODELS).partition("/")[0]
            if self._loading(name):
                answer = JSONResponse(
                    {"error": f"model {name!r} is being loaded: try again"}, 503, {"Retry-After": "1"}
                )
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
