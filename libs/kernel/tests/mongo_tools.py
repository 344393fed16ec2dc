"""What tests of the MongoDB store share: databases of their own, and a wire that can be cut."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from counting import COUNTERS, Counter, requested

from murmur_events import Envelope
from murmur_kernel.clock import SystemClock
from murmur_kernel.store import DocumentWrite, MongoStore

INDEXES = {COUNTERS.name: COUNTERS.indexes}


@asynccontextmanager
async def replicas(uri: str, count: int) -> AsyncIterator[Sequence[MongoStore]]:
    """Stores of so many replicas over one new database."""
    database = f"test_{uuid.uuid4().hex}"
    async with AsyncExitStack() as stack:
        stores = [MongoStore(uri, database) for _ in range(count)]
        for store in stores:
            await store.open(INDEXES)
            stack.push_async_callback(store.close)
        yield stores


def write(name: str, expected: int | None = 0) -> DocumentWrite:
    counter = Counter(name)
    return DocumentWrite(
        kind="counter", id=name, body=COUNTERS.dump(counter), fields=COUNTERS.fields(counter), expected=expected
    )


def envelope(event_id: str, key: str = "credit") -> Envelope:
    return Envelope(
        id=event_id,
        source="trainer",
        topic="training.requested",
        key=key,
        time=SystemClock().now(),
        sequence=0,
        correlation_id="c",
        causation_id=None,
        event=requested(key),
    )


class CutWire:
    """A proxy that hands commits on and keeps back the next `cut` answers to them, closing the connection instead."""

    def __init__(self, uri: str) -> None:
        at = urlsplit(uri)
        self._server = (at.hostname or "", at.port or 0)
        self._connections: set[asyncio.Task[None]] = set()
        self.cut = 0
        self.uri = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["CutWire"]:
        async with await asyncio.start_server(self._accept, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            self.uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
            yield self
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(self._serve(reader, writer))
        connection.add_done_callback(lambda _: writer.close())  # also where it was cancelled before it began
        self._connections.add(connection)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, upstream = await asyncio.open_connection(*self._server)
        withheld = asyncio.Event()

        async def ask() -> None:
            while data := await reader.read(65536):
                if b"commitTransaction" in data and self.cut > 0:
                    self.cut -= 1
                    withheld.set()
                upstream.write(data)

        async def answer() -> None:
            while (data := await answers.read(65536)) and not withheld.is_set():
                writer.write(data)

        directions = [asyncio.ensure_future(ask()), asyncio.ensure_future(answer())]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            writer.close()
            upstream.close()  # both, before anything is waited for: a cancellation may come there
            for end in (writer, upstream):
                with contextlib.suppress(OSError):
                    await end.wait_closed()
