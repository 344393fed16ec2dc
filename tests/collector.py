"""A collector for tests: it takes spans by OTLP over HTTP, as Jaeger or the OpenTelemetry Collector would."""

import gzip
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """One span as it arrived. Ids are hex; parent is None at a root; times are nanoseconds since 1970."""

    trace: str
    id: str
    parent: str | None
    name: str
    service: str
    attributes: dict[str, Any] = field(hash=False)
    links: tuple[str, ...] = ()
    failed: bool = False
    start: int = 0
    end: int = 0


class Collector:
    """`endpoint` is what MURMUR_OTLP_ENDPOINT takes; `spans` is all that came, each span once."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, str], Seen] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.requests = 0

    @property
    def spans(self) -> tuple[Seen, ...]:
        return tuple(self._spans.values())

    def of(self, trace: str) -> tuple[Seen, ...]:
        return tuple(span for span in self.spans if span.trace == trace)

    @contextmanager
    def running(self) -> Iterator["Collector"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _take(self, body: bytes) -> None:
        self.requests += 1
        for span in spans_in(ExportTraceServiceRequest.FromString(body)):
            self._spans[span.trace, span.id] = span

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Tests say what they need themselves."""

        return Handler


def spans_in(request: ExportTraceServiceRequest) -> Iterable[Seen]:
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Seen(
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex() or None,
                    name=span.name,
                    service=service,
                    attributes=_values(span.attributes),
                    links=tuple(link.trace_id.hex() for link in span.links),
                    failed=span.status.code == 2,
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                )


def _values(attributes: Iterable[Any]) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
