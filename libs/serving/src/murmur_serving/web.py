"""What the protocol allows over HTTP and MLServer does not take, binary tensors and no content type; and what MLServer
takes and nobody should send: bodies without bounds.
"""

import zlib
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from murmur_serving.binary import LENGTH, Malformed, binary_answer, plain_request, wants_binary
from murmur_serving.errors import LogUnwritable
from murmur_serving.tracing import HEADER, trace_id_of

LARGEST_REQUEST = 64 * 2**20
"""Bytes, those of a compressed request when it is unpacked: some hundred thousand rows."""
_JSON = (b"content-type", b"application/json")
_TYPE, _SIZE, _ENCODING, _TRACE = b"content-type", b"content-length", b"content-encoding", HEADER.encode()
_WINDOWS = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}


class TooLarge(Exception):
    """A body is larger than any that a model server reads."""


class WholeProtocol:
    """ASGI middleware. refused: told the path and the trace of a request that is answered here, and its status."""

    def __init__(self, app: ASGIApp, refused: Callable[[str, str, int], None]) -> None:
        self._app = app
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(LENGTH)
        try:
            body = await _whole(receive)
            if body is None:
                return  # whoever asked has gone
            body = _unpacked(body, headers.get(_ENCODING, b""))
            plain = plain_request(body, None if length is None else length.decode("latin-1"))
        except TooLarge:
            error = f"the request is larger than {LARGEST_REQUEST:,} bytes: send its rows in several requests"
            await self._refuse(413, error, headers, scope, receive, send)
            return
        except Malformed as malformed:
            await self._refuse(400, str(malformed), headers, scope, receive, send)
            return
        if not plain and scope["path"].endswith("/index"):
            plain = b"{}"
        told = [one for one in scope["headers"] if one[0] not in (LENGTH, _SIZE, _ENCODING)]
        told.append((_SIZE, b"%d" % len(plain)))
        if length is not None or _TYPE not in headers:
            told = [*(one for one in told if one[0] != _TYPE), _JSON]
        wanted = wants_binary(plain)
        answered = _Binary(send, wanted) if wanted else send
        await self._app({**scope, "headers": told}, _once(plain, receive), answered)

    async def _refuse(
        self, status: int, error: str, headers: dict[bytes, bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            self._refused(scope["path"], trace_id_of(headers.get(_TRACE, b"").decode("latin-1")), status)
        except LogUnwritable as unwritable:
            status, error = unwritable.status_code, str(unwritable)
        await JSONResponse({"error": error}, status)(scope, receive, send)


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
    """Raises TooLarge; who sends more is not listened to any longer."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_REQUEST:
            raise TooLarge
        if not message.get("more_body", False):
            return b"".join(parts)


def _unpacked(body: bytes, encoding: bytes) -> bytes:
    """Raises Malformed, TooLarge."""
    if not encoding or encoding == b"identity":
        return body
    if encoding not in _WINDOWS:
        raise Malformed(f"the request has content encoding {encoding.decode('latin-1')!r}: send gzip, deflate or none")
    unpacking = zlib.decompressobj(_WINDOWS[encoding])
    try:
        unpacked = unpacking.decompress(body, LARGEST_REQUEST + 1)
    except zlib.error as error:
        raise Malformed(
            f"the request's content encoding is {encoding.decode()!r}, and its body is not: {error}"
        ) from error
    if len(unpacked) > LARGEST_REQUEST:
        raise TooLarge
    if not unpacking.eof:
        raise Malformed(f"the request's body ends before its {encoding.decode()} does")
    return unpacked


def _once(body: bytes, receive: Receive) -> Receive:
    told = False

    async def tell() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return tell
