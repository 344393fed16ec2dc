"""A small real HTTP server that stands for the front door and the services behind it, and remembers what was posted."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from murmur_events.catalog import SERVICES

LETTER = {
    "id": "dl-1",
    "topic": "run.completed",
    "partition": 2,
    "offset": 17,
    "key": "r-unknown",
    "error": "InvalidPayload",
    "reason": "the value of a record on 'run.completed' does not fit its schema: metrics: Field required",
    "at": "2026-11-02T11:00:00Z",
    "headers": {"ce_id": "3f1c", "ce_source": "trainer"},
    "value": '{"run_id": "r-unknown"}',
    "editable": True,
    "version": 1,
}
COMPLAINT = {"path": "metrics", "found": "nothing", "expected": "Field required"}


ENTRY = {
    "position": 7,
    "kind": "event",
    "at": "2026-11-02T11:00:00Z",
    "time": "2026-11-02T11:00:00Z",
    "topic": "model.promoted",
    "partition": 1,
    "first": 4,
    "last": 4,
    "count": 1,
    "key": "credit",
    "event_id": "e-7",
    "correlation_id": "3f2a91c0-chain",
    "source": "registry",
    "hash": "ab" * 32,
}
DIGEST = {
    **ENTRY,
    "position": 8,
    "kind": "digest",
    "topic": "prediction.logged",
    "count": 240,
    "last": 243,
    "event_id": "",
    "correlation_id": "",
    "source": "",
}
SUMMARY = {
    "head": {"position": 8, "hash": "cd" * 32},
    "events": 6,
    "digests": 1,
    "digested": 240,
    "last_checkpoint": {"position": 7, "at": "2026-11-02T11:00:00Z", "key": "0b879e5876c880e1"},
    "verified": {
        "at": "2026-11-02T11:00:00Z",
        "ok": False,
        "up_to": 4,
        "anchored": 4,
        "faults": [{"kind": "changed", "position": 5, "detail": "…", "topic": "run.logged"}],
    },
    "lag": 0,
}


def ledger_answer(rest: str) -> tuple[int, dict[str, Any]]:
    """Audit's answers over a ledger of two entries, one of which was changed."""
    path, _, query = rest.partition("?")
    match path:
        case "summary":
            return 200, SUMMARY
        case "entries":
            items = [ENTRY] if "topic=model.promoted" in query else [DIGEST, ENTRY]
            return 200, {"items": items, "next": None}
        case "entries/7":
            opened = {"previous": "ef" * 32, "intact": True, "headers": {"ce_id": "e-7"}, "sha256": None}
            return 200, {**ENTRY, **opened, "value": '{"alias": "production"}'}
        case _:
            return 404, {"title": "Missing", "status": 404, "detail": f"no {path}"}


@dataclass
class StubFlock:
    """Services are well unless `unready` says why not, or `away` holds them. `answer` is what posts are answered;
    `told` holds what is answered under a path (without its query), GET or POST, before all else.
    """

    address: str = ""
    unready: dict[str, str] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    letters: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answer: tuple[int, dict[str, Any]] = (200, {})
    posts: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    told: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    tracking: Callable[[str, dict[str, list[str]]], tuple[int, Any] | None] | None = None
    """Answers what is asked of experiments, runs and artifacts, by path and query; bytes as they are."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Each path with its query that was read, and the workspace that was named; empty for none."""

    def readiness(self, service: str) -> tuple[int, dict[str, Any]]:
        why = self.unready.get(service)
        body = {
            "service": service,
            "ready": why is None,
            "checks": {"broker": {"ok": why is None, "detail": why or "answers"}},
            "lag": 3,
            "outbox": 0,
            "outbox_age_s": 0.0,
            "parked": 0,
            "dead_letters": len(self.letters.get(service, [])),
            "jobs": {},
        }
        return (200 if why is None else 503), body

    def get(self, path: str) -> tuple[int, Any]:
        service, _, rest = path.lstrip("/").partition("/")
        if self.tracking and "tracking" not in self.away:
            where = urlsplit(path)
            if (answer := self.tracking(unquote(where.path), parse_qs(where.query))) is not None:
                return answer
        if service in self.away or service not in (*SERVICES, "audit"):
            return 503, {}
        if (found := self.told.get(unquote(path.partition("?")[0]))) is not None:
            return found
        if rest == "readyz":
            return self.readiness(service)
        if service == "audit" and rest.startswith("v1/"):
            return ledger_answer(rest.removeprefix("v1/"))
        rest, _, _ = rest.partition("?")
        letters = self.letters.get(service, [])
        if rest == "v1/dead-letters":
            return 200, {"items": letters, "next": None, "counts": {one["topic"]: 1 for one in letters}}
        for letter in letters:
            if rest == f"v1/dead-letters/{letter['id']}":
                return 200, {**letter, "complaints": [COMPLAINT], "edits": []}
        return 404, {"title": "Not possible", "status": 404, "detail": path}

    def post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.posts.append((path, body, headers))
        if path.endswith(("/redrive", "/discard")):
            self.letters = {}
        return self.told.get(path, self.answer)


@contextmanager
def running_flock(flock: StubFlock) -> Iterator[StubFlock]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            flock.asked.append((self.path, self.headers.get("X-Murmur-Workspace", "")))
            self._answer(*flock.get(self.path))

        def do_PUT(self) -> None:
            self.do_POST()

        def do_DELETE(self) -> None:
            self._answer(*flock.post(self.path, {}, dict(self.headers)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            self._answer(*flock.post(self.path, json.loads(body or b"{}"), dict(self.headers)))

        def _answer(self, status: int, body: Any) -> None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body or status < 300 else b""
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """A test's output is not the place for an access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    flock.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield flock
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
