"""V2 inference over HTTP where uvicorn reads it, before it becomes a task, a scope or an application's message."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

import uvicorn
from mlserver.handlers import DataPlane, ModelRepositoryHandlers
from mlserver.rest import RESTServer
from mlserver.settings import Settings
from starlette.datastructures import Headers
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from murmur_serving.admission import Admission, Refused
from murmur_serving.config import BATCH_HEADER, PROBE_HEADER
from murmur_serving.fastpath.answers import Answer, Asked
from murmur_serving.fastpath.models import FastModels, Place
from murmur_serving.fastpath.turns import Turn
from murmur_serving.tracing import HEADER, trace_id_of

LARGEST_BODY = 2**20
"""Bytes; what is larger is read by MLServer's own way, which slows its sender down where need be."""
_PROBE, _BATCH, _TRACE = PROBE_HEADER.encode(), BATCH_HEADER.encode(), HEADER.encode()
_UNUSUAL = frozenset(
    (b"content-encoding", b"transfer-encoding", b"expect", b"upgrade", b"inference-header-content-length")
)


class FastRestServer(RESTServer):  # type: ignore[misc]  # MLServer ships no types
    """MLServer's, on connections of ours. admission: who is asked for what; None: nobody is asked. alone: no other
    server is in this process.
    """

    def __init__(
        self,
        settings: Settings,
        plane: DataPlane,
        repository: ModelRepositoryHandlers,
        models: FastModels,
        admission: Admission | None,
        *,
        alone: bool,
    ) -> None:
        super().__init__(settings, plane, repository)
        self._connection = partial(FastConnection, models=models, turn=Turn(), admission=admission)
        self._alone = alone
        self._server: uvicorn.Server | None = None

    @property
    def is_open(self) -> bool:
        """From its start to its end, whether it listens already or not."""
        return self._server is not None

    @property
    def listens(self) -> bool:
        return self._server is not None and self._server.started

    async def start(self) -> None:
        """Returns when it was stopped. Raises OSError, where it is not alone, if it cannot listen."""
        if self._alone:
            await super().start()
            return
        self._server = _OneOfSeveral(self._get_config())
        try:
            await self._server.serve()
        except SystemExit:  # uvicorn ends the process, and with it all the others
            raise OSError(f"port {self._settings.http_port} is taken: see above") from None
        finally:
            self._server = None

    async def stop(self, sig: int | None = None) -> None:
        if self._server is not None:
            await super().stop(sig)

    def cut_off(self) -> None:
        """Whoever is still sending a request is not waited for any more."""
        for connection in tuple(self._server.server_state.connections) if self._server else ():
            connection.transport.abort()

    def _get_config(self) -> uvicorn.Config:
        config: uvicorn.Config = super()._get_config()
        config.http = self._connection  # type: ignore[assignment]  # uvicorn calls it, as it would a class
        return config


class _OneOfSeveral(uvicorn.Server):
    """Leaves signals alone: they are meant for all servers of this process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class FastConnection(HttpToolsProtocol):
    """One connection. While a request is read for the fast path, uvicorn knows nothing of it; it is handed on by
    telling uvicorn at once what it would have been told bit by bit.
    """

    def __init__(self, *args: Any, models: FastModels, turn: Turn, admission: Admission | None, **named: Any) -> None:
        super().__init__(*args, **named)
        self._models = models
        self._turn = turn
        self._admission = admission
        self._place: Place | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._waits = False
        self._probe = b""
        self._batch = b""
        self._trace = b""

    # What uvicorn's parser tells

    def on_message_begin(self) -> None:
        if self._waits:  # a pipelined request: answers leave in the order of their requests
            self._turn.end()
        self._place = None
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        place = self._models.at(self.url)
        if place is not None and place.answering() is not None and self._is_plain():
            self._place, self._body, self._size = place, [], 0
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._place is None:
            super().on_body(body)
            return
        self._body.append(body)
        self._size += len(body)
        if self._size > LARGEST_BODY:
            self._hand_on(complete=False)

    def on_message_complete(self) -> None:
        if self._place is None:
            super().on_message_complete()
            return
        started = perf_counter()
        answering = self._place.answering()
        rows = None if answering is None else answering.reader.read(b"".join(self._body))
        if answering is None or rows is None:
            self._hand_on(complete=True)
            return
        self._waits = True
        mark = answering.mark.encode()
        trace = trace_id_of(self._trace.decode("latin-1"))
        self._turn.ask(answering, Asked(rows, started, self._probe == mark, trace, self._batch == mark), self)

    # What becomes of a request that waits

    def take(self, answer: Answer | None) -> None:
        self._waits = False
        place = self._place
        assert place is not None, "only a request of this path waits"
        if self.transport.is_closing():
            self._place = None
        elif answer is None:
            self._hand_on(complete=True)
        else:
            self._place = None
            self.transport.write(place.writer.response(answer, self.server_state.default_headers))
            self.on_response_complete()

    def shutdown(self) -> None:
        if self._waits:
            self._turn.end()
        super().shutdown()

    def _hand_on(self, *, complete: bool) -> None:
        self._place = None
        super().on_headers_complete()
        super().on_body(b"".join(self._body))
        if complete:
            super().on_message_complete()

    def _is_plain(self) -> bool:
        """JSON in plain HTTP/1.1, from somebody who may ask, on a connection where nothing else is under way."""
        if (
            self.parser.get_method() != b"POST"
            or self.parser.get_http_version() != "1.1"
            or not self.parser.should_keep_alive()
            or (self.cycle is not None and not self.cycle.response_complete)
            or self.flow.write_paused
        ):
            return False
        json, self._probe, self._batch, self._trace = True, b"", b"", b""
        for name, value in self.headers:
            if name == b"content-type":
                json = value == b"application/json"
            elif name in _UNUSUAL:
                return False
            elif name == _PROBE:
                self._probe = value
            elif name == _BATCH:
                self._batch = value
            elif name == _TRACE:
                self._trace = value
        return json and self._is_admitted()

    def _is_admitted(self) -> bool:
        """Whoever is refused is refused by the other way, in words."""
        if self._admission is None:
            return True
        try:
            self._admission.admit(self.url.decode("latin-1"), Headers(raw=self.headers))
        except Refused:
            return False
        return True
