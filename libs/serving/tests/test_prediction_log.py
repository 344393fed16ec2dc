"""The prediction log loses no row, whoever dies: one life of a replica after another, against a sink that remembers."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from murmur_events import LARGEST_RECORD, Envelope, Record, from_record
from murmur_serving.errors import LogUnwritable, SinkAway
from murmur_serving.predictionlog import Origin, PredictionLog
from murmur_serving.predictionlog.backlog import MAX_ROWS, Backlog
from murmur_serving.predictionlog.segments import LogDirectory, SegmentWriter, leftovers

ORIGIN = Origin(
    deployment="credit",
    model="credit",
    version=3,
    model_sha256="a" * 64,
    replica="credit-v3-1",
    shard=0,
    columns=("limit", "age"),
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class RememberingSink:
    """Stores records; `away`: refuses them; `forgetful`: stores and refuses, as when an acknowledgement is lost."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.away = False
        self.forgetful = False
        self.closed = False

    async def send(self, record: Record) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise SinkAway("nobody there")
        self.records.append(record)
        if self.forgetful:
            raise SinkAway("the acknowledgement was lost")

    async def close(self) -> None:
        self.closed = True

    @property
    def envelopes(self) -> list[Envelope]:
        return [from_record(record.topic, record.value, record.headers) for record in self.records]

    @property
    def request_ids(self) -> list[str]:
        return [row for envelope in self.envelopes for row in envelope.event.request_ids]

    @property
    def distinct_request_ids(self) -> list[str]:
        """What a consumer keeps that drops an event id it has seen."""
        seen = {envelope.id: envelope for envelope in self.envelopes}
        return [row for envelope in seen.values() for row in envelope.event.request_ids]


@pytest.fixture
def sink() -> RememberingSink:
    return RememberingSink()


Open = Callable[..., PredictionLog]


@pytest.fixture
async def open_log(tmp_path: Path, sink: RememberingSink) -> AsyncIterator[Open]:
    logs: list[PredictionLog] = []

    def _open(*, to: RememberingSink | None = sink) -> PredictionLog:
        logs.append(PredictionLog.open(tmp_path, ORIGIN, to, flush_after=0.01))
        return logs[-1]

    yield _open
    for log in logs:
        await log.close(timeout=0.1)


def append(log: PredictionLog, *request_ids: str) -> None:
    for request_id in request_ids:
        log.append(request_id, NOON, 1.5, status=200, features=[[1.0, None]], outputs=[0.25])


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  files change without an event to wait for
            await asyncio.sleep(0.005)


def numbered(count: int, start: int = 0) -> list[str]:
    return [f"r-{number}" for number in range(start, start + count)]


async def test_a_row_becomes_an_event_with_all_that_is_known_of_it(open_log, sink) -> None:
    append(open_log(), "r-1")
    await eventually(lambda: bool(sink.records))
    [envelope] = sink.envelopes
    event = envelope.event
    assert (envelope.topic, envelope.key, envelope.sequence, envelope.causation_id) == (
        "prediction.logged",
        "credit",
        1,
        None,
    )
    assert (event.replica, event.version, event.model_sha256, event.offset) == ("credit-v3-1", 3, "a" * 64, 0)
    assert (event.request_ids, event.times, event.latencies_ms, event.statuses) == (("r-1",), (NOON,), (1.5,), (200,))
    assert (event.features, event.outputs) == ({"limit": (1.0,), "age": (None,)}, (0.25,))


async def test_a_failed_request_is_a_row_without_features(open_log, sink) -> None:
    open_log().append("r-1", NOON, 0.1, status=400)
    await eventually(lambda: bool(sink.records))
    event = sink.envelopes[0].event
    assert (event.statuses, event.features, event.outputs) == ((400,), {"limit": (None,), "age": (None,)}, (None,))


async def test_a_request_of_many_rows_is_as_many_rows(open_log, sink) -> None:
    features = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    open_log().append("r-1", NOON, 0.1, status=200, features=features, outputs=[0.1, 0.2, 0.3])
    await eventually(lambda: bool(sink.records))
    event = sink.envelopes[0].event
    assert event.request_ids == ("r-1",) * 3
    assert event.features == {"limit": (0.0, 2.0, 4.0), "age": (1.0, 3.0, 5.0)}


async def test_rows_arrive_in_order_and_in_bounded_batches(open_log, sink) -> None:
    log = open_log()
    append(log, *numbered(2 * MAX_ROWS + 10))
    await eventually(lambda: log.waiting == 0)
    assert sink.request_ids == numbered(2 * MAX_ROWS + 10)
    assert [envelope.event.offset for envelope in sink.envelopes] == [0, MAX_ROWS, 2 * MAX_ROWS]


async def test_rows_wait_on_disk_while_the_broker_is_away(open_log, sink) -> None:
    sink.away = True
    log = open_log()
    append(log, *numbered(700))
    await asyncio.sleep(0)
    assert log.waiting == 700
    sink.away = False
    await eventually(lambda: log.waiting == 0)
    assert sink.request_ids == numbered(700)


async def test_closing_ships_the_rest_and_leaves_nothing(open_log, sink, tmp_path) -> None:
    log = open_log()
    append(log, *numbered(30))
    await log.close()
    assert sink.request_ids == numbered(30)
    assert sink.closed
    assert leftovers(tmp_path) == []


async def test_the_next_replica_ships_what_a_closed_one_could_not(open_log, sink, tmp_path) -> None:
    away = RememberingSink()
    away.away = True
    first = open_log(to=away)
    append(first, *numbered(30))
    await first.close(timeout=0.05)
    open_log()
    await eventually(lambda: len(leftovers(tmp_path)) == 1)
    assert sink.request_ids == numbered(30)


async def test_a_batch_whose_acknowledgement_was_lost_is_repeated_under_its_id(open_log, sink, tmp_path) -> None:
    sink.forgetful = True
    first = open_log()
    append(first, *numbered(20))
    await eventually(lambda: bool(sink.records))
    append(first, *numbered(20, start=20))  # these must not slip into the batch that is sent again
    await first.close(timeout=0.05)
    sink.forgetful = False
    open_log()
    await eventually(lambda: len(leftovers(tmp_path)) == 1)
    assert len(sink.request_ids) > 40
    assert sink.distinct_request_ids == numbered(40)
    assert {envelope.correlation_id for envelope in sink.envelopes if envelope.event.offset == 0} == {
        sink.envelopes[0].correlation_id
    }


async def test_the_log_of_a_living_replica_is_left_alone(open_log, sink, tmp_path) -> None:
    silent = open_log(to=None)
    append(silent, *numbered(5))
    second = open_log()
    append(second, "r-mine")
    await eventually(lambda: bool(sink.records))
    assert sink.request_ids == ["r-mine"]
    assert len(leftovers(tmp_path)) == 2


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from datetime import UTC, datetime
from murmur_serving.predictionlog import Origin, PredictionLog

async def main():
    origin = Origin("credit", "credit", 3, "a" * 64, "credit-v3-1", 0, ("limit", "age"))
    log = PredictionLog.open(Path({logs!r}), origin, None)
    for number in range(1234):
        log.append(f"r-{{number}}", datetime.now(UTC), 1.0, status=200,
                   features=[[1.0, 2.0]], outputs=[0.5])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_kill_9_loses_no_row(open_log, sink, tmp_path) -> None:
    program = KILLED.format(tests=str(Path(__file__).parent), logs=str(tmp_path))
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-W", "ignore", "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    open_log()
    await eventually(lambda: len(leftovers(tmp_path)) == 1)
    assert sink.request_ids == numbered(1234)


async def test_a_line_that_a_power_cut_tore_is_left_out(open_log, sink, tmp_path) -> None:
    first = open_log(to=None)
    append(first, *numbered(3))
    await first.close()
    [segment] = tmp_path.glob("*/*.rows")
    os.truncate(segment, segment.stat().st_size - 4)
    open_log()
    await eventually(lambda: len(leftovers(tmp_path)) == 1)
    assert sink.request_ids == numbered(2)


async def test_a_garbled_line_does_not_hold_up_the_rest(open_log, sink, tmp_path) -> None:
    first = open_log(to=None)
    append(first, *numbered(3))
    await first.close()
    [segment] = tmp_path.glob("*/*.rows")
    content = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(content[0] + b"\0" * 20 + b"\n" + content[2])
    open_log()
    await eventually(lambda: len(leftovers(tmp_path)) == 1)
    assert sink.request_ids == ["r-0", "r-2"]


def test_segments_are_rotated_and_deleted_once_shipped(tmp_path) -> None:
    directory = LogDirectory.create(tmp_path, ORIGIN)
    writer = SegmentWriter(directory, max_bytes=8)
    for number in range(5):
        writer.append(b'["%d"]\n' % number + b'["+"]\n')
    writer.close()
    assert directory.segments() == [1, 2, 3, 4, 5]
    backlog = Backlog(directory)
    read = []
    while (batch := backlog.next_batch()) is not None:
        read.append((batch.segment.rpartition("/")[2], batch.offset, batch.lines[0]))
        backlog.shipped(batch)
    assert read == [(f"{number + 1:06d}", 0, b'["%d"]\n' % number) for number in range(5)]
    assert directory.segments() == [5]
    directory.release()


async def test_a_log_that_cannot_be_written_withholds_the_answer(open_log, tmp_path) -> None:
    log = open_log(to=None)
    [directory] = leftovers(tmp_path)
    os.rename(directory, tmp_path / "moved")
    with pytest.raises(LogUnwritable, match=r"cannot be written \(No such file or directory\)") as refused:
        append(log, "r-1")
    assert refused.value.status_code == 503
    os.rename(tmp_path / "moved", directory)


WIDE = replace(ORIGIN, columns=tuple(f"pixel-{number:05}" for number in range(3000)))


async def test_refused_requests_of_a_wide_model_fit_into_an_event(tmp_path: Path, sink: RememberingSink) -> None:
    """A line is short where nothing was predicted; the event has a null for each column of each row."""
    log = PredictionLog.open(tmp_path, WIDE, sink)
    sent = [f"r-{number}" for number in range(MAX_ROWS)]
    for request_id in sent:
        log.append(request_id, NOON, 1.0, status=400)
    await log.close()
    assert sink.request_ids == sent
    assert max(record.size for record in sink.records) < LARGEST_RECORD // 4


async def test_a_row_that_no_broker_takes_does_not_hold_up_those_behind_it(tmp_path, sink) -> None:
    log = PredictionLog.open(tmp_path, ORIGIN, sink)
    for request_id in ("before", "x" * LARGEST_RECORD, "behind"):
        log.append(request_id, NOON, 1.0, status=400)
    await log.close()
    assert sink.request_ids == ["before", "behind"]
    assert log.waiting == 0
