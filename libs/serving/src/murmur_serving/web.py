"""What the protocol allows over HTTP and MLServer does not take: binary tensors, and no content type."""

from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from murmur_serving.binary import LENGTH, Malformed, binary_answer, plain_request, wants_binary

_JSON = (b"content-type", b"application/json")


class WholeProtocol:
    """ASGI middleware. refused: told the path of a request that is answered here, with status 400."""

    def __init__(self, app: ASGIApp, refused: Callable[[str], None]) -> None:
        self._app = app
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if LENGTH not in headers and _JSON[0] in headers and not scope["path"].endswith("/infer"):
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return  # whoever asked has gone
        length = headers.get(LENGTH)
        try:
            plain = plain_request(body, None if length is None else length.decode("latin-1"))
        except Malformed as error:
            self._refused(scope["path"])
            await JSONResponse({"error": str(error)}, 400)(scope, receive, send)
            return
        if not plain and scope["path"].endswith("/index"):
            plain = b"{}"
        typed = [(name, value) for name, value in scope["headers"] if name not in (LENGTH, b"content-length")]
        typed.append((b"content-length", b"%d" % len(plain)))
        if length is not None or _JSON[0] not in headers:
            typed = [*((name, value) for name, value in typed if name != _JSON[0]), _JSON]
        wanted = wants_binary(plain)
        answered = _Binary(send, wanted) if wanted else send
        await self._app({**scope, "headers": typed}, _once(plain, receive), answered)


class _Binary:
    """Holds an answer back until it is whole, and sends it with its outputs in binary form."""

    def __init__(self, send: Send, wanted: dict[str, bool] | bool) -> None:
        self._send = send
        self._wanted = wanted
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        if self._start["status"] == 200:
            self._body, head = binary_answer(self._body, self._wanted)
            kept = [one for one in self._start["headers"] if one[0] not in (b"content-length", b"content-type")]
            self._start["headers"] = [
                *kept,
                (b"content-type", b"application/octet-stream"),
                (b"content-length", b"%d" % len(self._body)),
                (LENGTH, b"%d" % head),
            ]
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": self._body})


async def _whole(receive: Receive) -> bytes | None:
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _once(body: bytes, receive: Receive) -> Receive:
    told = False

    async def tell() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return tell
