"""`murmur score` against a front door that answers as the deployer would, cut connections included."""

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from murmur_cli.main import app
from murmur_runtime.ports import free_front_door

CONTENT = bytes(range(256)) * 400
OUTPUT = b"PAR1" + bytes(range(256)) * 4000


class Door(ThreadingHTTPServer):
    """What came in, and what is answered. cut: after how many bytes the connection breaks the first time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.received: list[tuple[str, str, bytes]] = []
        self.states = [("waiting", 0), ("scoring", 100), ("completed", 300)]
        self.failure: dict[str, Any] = {"cause": None, "message": None}
        self.refusal: tuple[int, str] | None = None
        self.cut = 0
        self.ranges: list[str | None] = []
        self.output = OUTPUT

    def batch(self) -> dict[str, Any]:
        state, done = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {
            "id": "b-1",
            "state": state,
            "version": 3,
            "rows": 300,
            "rows_done": done,
            "failed_rows": 2,
            "rate": 50.0 if done else None,
            "ended_at": "2026-01-01T00:00:00Z" if state in ("completed", "failed") else None,
            "output_sha256": hashlib.sha256(OUTPUT).hexdigest(),
            "correlation_id": "c0ffee00-1111",
            **self.failure,
        }


class Answers(BaseHTTPRequestHandler):
    server: Door
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((self.path, self.headers["content-type"], body))
        if self.path.endswith("/batch-inputs"):
            self._json(201, {"sha256": "a" * 64, "rows": 300})
        elif self.server.refusal:
            status, detail = self.server.refusal
            self._json(status, {"type": "about:blank", "title": "Refused", "status": status, "detail": detail})
        else:
            self._json(202, self.server.batch())

    def do_GET(self) -> None:
        if "/output" not in self.path:
            self._json(200, self.server.batch())
            return
        asked = self.headers["range"]
        self.server.ranges.append(asked)
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        content = self.server.output[begin:]
        self.send_response(206 if asked else 200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        cut, self.server.cut = self.server.cut, 0
        self.wfile.write(content[:cut] if cut else content)
        self.close_connection = bool(cut)

    def _json(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Door]:
    server = Door()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("MURMUR_PORT", str(server.server_address[1]))
    monkeypatch.setenv("MURMUR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("murmur_cli.batch_commands._LOOK_EVERY", 0.0)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "people.parquet"
    path.write_bytes(CONTENT)
    return path


def murmur(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_file_is_sent_watched_and_its_output_put_beside_it(door: Door, data: Path) -> None:
    done = murmur("score", "credit", data, "--version", "3")
    assert done.exit_code == 0, done.output
    (path, kind, body), (_, _, wish) = door.received
    assert (path, kind, body) == ("/deployer/v1/batch-inputs", "application/vnd.apache.parquet", CONTENT)
    asked = json.loads(wish)
    assert (asked["deployment"], asked["version"], asked["input"]) == ("credit", 3, "a" * 64)
    assert data.with_name("people.scored.parquet").read_bytes() == OUTPUT
    assert "300 rows scored by credit v3, 2 of them refused" in done.output
    assert "b-1 goes on without this window" in done.output


def test_an_output_that_was_cut_off_is_taken_up_where_it_was(door: Door, data: Path, tmp_path: Path) -> None:
    door.cut = 300_000
    done = murmur("score", "credit", data, "-o", tmp_path / "o.parquet", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["output"] == str(tmp_path / "o.parquet")
    assert (tmp_path / "o.parquet").read_bytes() == OUTPUT
    assert (door.ranges[0], door.ranges[1].startswith("bytes=")) == (None, True)


def test_an_output_that_is_not_the_flocks_is_said_to_be(door: Door, data: Path) -> None:
    door.output = OUTPUT[:-1] + b"?"
    done = murmur("score", "credit", data)
    assert (done.exit_code, "fetch it again" in done.output) == (1, True)


def test_a_batch_that_fails_ends_the_command_with_its_reason(door: Door, data: Path) -> None:
    door.states = [("waiting", 0), ("failed", 0)]
    door.failure = {"cause": "version_gone", "message": "version 2 serves"}
    done = murmur("score", "credit", data)
    assert done.exit_code == 1
    assert "batch b-1 failed, version gone: version 2 serves" in done.output
    assert "murmur events --correlation c0ffee00" in done.output
    assert not data.with_name("people.scored.parquet").exists()


def test_a_refused_call_is_told(door: Door, data: Path) -> None:
    door.refusal = (422, "column 'age' is missing")
    done = murmur("score", "credit", data)
    assert (done.exit_code, "column 'age' is missing" in done.output) == (1, True)


def test_what_is_typed_wrongly_is_found_before_anything_is_sent(door: Door, data: Path, tmp_path: Path) -> None:
    text = tmp_path / "data.txt"
    text.write_text("x")
    for arguments, words in (
        (["score", "credit", tmp_path / "none.parquet"], "there is no file"),
        (["score", "credit", text], "neither .parquet nor .csv"),
        (["score", "credit", data, "-o", data], "would replace the data"),
        (["score", "credit", data, "-o", tmp_path / "o.xlsx"], "can be .parquet or .csv"),
        (["score", "credit", data, "-o", tmp_path / "no" / "o.csv"], "there is no folder"),
    ):
        done = murmur(*arguments)
        assert (done.exit_code, words in done.output) == (2, True), done.output
    assert door.received == []


def test_nobody_at_the_door_is_exit_code_3(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MURMUR_PORT", str(free_front_door(span=1)))
    monkeypatch.setenv("MURMUR_HOME", str(tmp_path / "home"))
    assert murmur("score", "credit", data).exit_code == 3
