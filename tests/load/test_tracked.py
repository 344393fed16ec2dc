"""The benchmark's own parts: what its client understands, what it counts, and that its searches are worth timing."""

import json
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from results import Row
from tracked import filling, judging, made
from tracked.driving import Turn, drive
from tracked.profiling import shares
from tracked.protocol import Batch
from tracked.settings import Sizes
from tracked.wire import Address, Connection, Refused, Timed, whole

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 6\r\n\r\nlocked"


@contextmanager
def server(answer: Callable[[int], list[bytes]]) -> Iterator[Address]:
    """Answers the n-th request, counted from 0, with these parts; for at most 16 connections."""
    asked = iter(range(10**9))

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while lines.readline():
                length = 0
                while (line := lines.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                lines.read(length)
                for part in answer(next(asked)):
                    connection.sendall(part)

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                taken, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(taken,), daemon=True).start()

    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stack.callback(listener.shutdown, socket.SHUT_RDWR)
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield Address("127.0.0.1", listener.getsockname()[1])


def one_request(address: Address) -> Callable[[], Turn]:
    def turn() -> Turn:
        yield address.request("GET", "/")

    return turn


@pytest.mark.parametrize("quick", [True, False])
def test_an_answer_in_parts_is_put_together(quick: bool) -> None:
    parts = [b"HTTP/1.1 200 OK\r\ncontent-", b"length: 5\r\n", b"\r\nab", b"cde"]
    with server(lambda _: parts) as address, Connection(address, quick) as connection:
        assert [connection.ask(address.request("GET", "/")) for _ in range(2)] == [b"abcde"] * 2


def test_an_answer_is_not_taken_for_whole_before_its_end() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
    assert whole(bytearray(head)) is None
    assert whole(bytearray(head + b"\r\nabcd")) is None
    answer = whole(bytearray(head + b"\r\nabcde"))
    assert answer is not None
    assert answer.body == b"abcde"


def test_an_answer_in_chunks_is_put_together() -> None:
    got = bytearray(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n")
    assert whole(got) is None
    answer = whole(got + b"\r\n")
    assert answer is not None
    assert answer.body == b"abcde"


def test_a_connection_that_is_not_kept_is_refused() -> None:
    with pytest.raises(Refused, match="closes each connection"):
        whole(bytearray(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))


def test_an_address_with_a_path_is_refused() -> None:
    with pytest.raises(ValueError, match="without a path"):
        Address.of("http://127.0.0.1:8080/mlflow")


def test_a_turn_of_several_calls_counts_once_and_each_is_sent_what_the_one_before_was_answered() -> None:
    seen = []

    def turn() -> Turn:
        seen.append(json.loads((yield address.request("POST", "/", b"{}"))))
        yield address.request("POST", "/", b"{}")

    with server(lambda _: [OK]) as address:
        timed = drive(address, [turn] * 3, seconds=60, quick=True, most=12)
    assert timed.turns == 12
    assert seen == [{}] * 12


def test_what_is_refused_is_counted_apart() -> None:
    with server(lambda number: [OK if number % 2 else BUSY]) as address:
        timed = drive(address, [one_request(address)], seconds=0, quick=True, least=10, most=10)
    assert (timed.turns, timed.refused) == (5, 5)


def test_a_server_that_refuses_everything_is_not_timed() -> None:
    with server(lambda _: [BUSY]) as address, pytest.raises(Refused, match="503: locked"):
        drive(address, [one_request(address)], seconds=0, quick=True, least=3)


def test_batches_are_whole_and_no_step_comes_twice() -> None:
    address, run = Address("127.0.0.1", 1), "0123456789abcdef" * 2
    batch, points = Batch(address), set()
    for number in (0, 1, 89_999):
        answered = batch.of(run, number)
        head, _, body = answered.partition(b"\r\n\r\n")
        assert b"Content-Length: %d" % len(body) in head
        told = json.loads(body)
        assert told["run_id"] == run
        assert len(told["metrics"]) == 1000
        points |= {(one["key"], one["step"]) for one in told["metrics"]}
    assert len(points) == 3000


def test_no_two_runs_share_what_they_are_ordered_by() -> None:
    runs = [made.run(number) for number in range(2_000)]
    for at in range(10):
        assert len({one.metrics[f"m{at}"] for one in runs}) == 2_000


def test_each_query_finds_about_a_twentieth_of_the_runs() -> None:
    runs = [made.run(number) for number in range(2_000)]
    found = [len(made.query(number).answer(runs, 2_000)) for number in range(40)]
    assert min(found) > 20
    assert max(found) < 250
    assert len({(made.query(number).filter, made.query(number).order) for number in range(60)}) == 60


def test_analysis_of_a_database_can_be_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "CREATE TABLE runs (id TEXT); CREATE INDEX by_id ON runs (id); INSERT INTO runs VALUES (1)"
        )
        filling.forget_analysis(path)
        filling.analyse(path)
        assert database.execute("SELECT count(*) FROM sqlite_stat1").fetchone() == (1,)
        filling.forget_analysis(path)
        assert database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone() == (0,)


def timed(per_second: float, p50: float) -> Timed:
    return Timed(per_second=per_second, p50=p50, p95=p50, p99=p50, turns=1)


def verdicts(rows: list[Row]) -> list[str]:
    return [row.verdict for row in rows]


def test_throughput_is_judged_by_its_ratio() -> None:
    peer = timed(10, 100)
    assert verdicts(judging.throughput("w", timed(100, 10), peer, judging.WRITES)) == ["target", ""]
    assert verdicts(judging.throughput("w", timed(50, 20), peer, judging.WRITES)) == ["floor", ""]
    assert verdicts(judging.throughput("w", timed(39, 30), peer, judging.WRITES)) == ["UNDER THE FLOOR", ""]


def test_a_search_is_judged_by_how_many_times_it_is_faster() -> None:
    assert judging.latency("s", timed(1, 25), timed(1, 560), judging.SEARCH).verdict == "target"
    assert judging.latency("s", timed(1, 60), timed(1, 560), judging.SEARCH).verdict == "UNDER THE FLOOR"


def test_memory_that_grows_is_under_the_floor() -> None:
    def stages(last: float) -> dict[str, tuple[dict[str, float], dict[str, float]]]:
        sizes = {"at the start": 90.0, "with 1,000 runs, searched": 100.0, "with 100,000 runs, searched": last}
        return {stage: ({"rss": rss, "pss": rss}, {}) for stage, rss in sizes.items()}

    assert [row.verdict for row in judging.memory(stages(140)) if row.verdict] == ["target", "target"]
    assert [row.verdict for row in judging.memory(stages(290)) if row.verdict] == ["target", "UNDER THE FLOOR"]
    assert [row.verdict for row in judging.memory(stages(310)) if row.verdict] == ["UNDER THE FLOOR"] * 2


def test_sizes_that_cannot_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MURMUR_BENCH_RUNS", "1000,500")
    with pytest.raises(ValueError, match="1000,500"):
        Sizes.of_environment()


def test_a_profile_counts_a_function_once_a_stack_and_no_waiting() -> None:
    waits = "main (app.py:1);Condition.wait (threading.py:300) 90"
    told = shares(f"main (app.py:1);parse (app.py:9);parse (app.py:12) 3\nmain (app.py:1) 1\n{waits}\n")
    _, _, within = told.partition("in it and what it calls")
    assert "75.0%  parse (app.py" in within
    assert "100.0%  main (app.py" in within
