"""The prediction log loses no row, whoever dies: one life of a replica after another, against a sink that remembers."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from log_fixtures import NOON, ORIGIN, RememberingSink, append, eventually, numbered, refuse

from murmur_events import LARGEST_RECORD
from murmur_serving.errors import LogUnwritable
from murmur_serving.predictionlog import PredictionLog, Rows, rows_below
from murmur_serving.predictionlog.backlog import MAX_ROWS, Backlog
from murmur_serving.predictionlog.blocks import pack
from murmur_serving.predictionlog.segments import LogDirectory, SegmentWriter, leftovers


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
    refuse(open_log(), "r-1")
    await eventually(lambda: bool(sink.records))
    event = sink.envelopes[0].event
    assert (event.statuses, event.features, event.outputs) == ((400,), {"limit": (None,), "age": (None,)}, (None,))


async def test_a_request_of_many_rows_is_as_many_rows(open_log, sink) -> None:
    features = np.arange(6.0).reshape(3, 2)
    open_log().append(Rows.of_request("r-1", 0.0001, rows=3), NOON, features=features, outputs=[0.1, 0.2, 0.3])
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


async def test_rows_wait_on_disk_while_the_broker_is_away(open_log, sink, tmp_path) -> None:
    sink.away = True
    log = open_log()
    append(log, *numbered(700))
    await eventually(lambda: sink.refused > 1)
    assert log.waiting == 700
    assert [row.request_id for row in rows_below(tmp_path)] == numbered(700)
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
import numpy as np
from murmur_serving.predictionlog import Origin, PredictionLog, Rows

async def main():
    origin = Origin("credit", "credit", 3, "a" * 64, "credit-v3-1", 0, ("limit", "age"))
    log = PredictionLog.open(Path({logs!r}), origin, None)
    for number in range(1234):
        log.append(Rows.of_request(f"r-{{number}}", 0.001), datetime.now(UTC), features=np.ones((1, 2)), outputs=[0.5])
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


async def test_a_request_of_more_rows_than_a_batch_holds_is_shipped_in_several(open_log, sink) -> None:
    features = np.arange(8.0 * MAX_ROWS).reshape(-1, 2)
    outputs = np.linspace(0, 1, len(features)).tolist()
    open_log().append(Rows.of_request("r-1", 0.1, rows=len(features)), NOON, features=features, outputs=outputs)
    await eventually(lambda: len(sink.request_ids) == len(features))
    events = [envelope.event for envelope in sink.envelopes]
    assert [event.offset for event in events] == [0, MAX_ROWS, 2 * MAX_ROWS, 3 * MAX_ROWS]
    assert [value for event in events for value in event.features["age"]] == features[:, 1].tolist()
    assert [output for event in events for output in event.outputs] == outputs


async def test_a_block_that_a_power_cut_tore_is_left_out(open_log, sink, tmp_path) -> None:
    first = open_log(to=None)
    append(first, *numbered(3))
    await first.close()
    [segment] = tmp_path.glob("*/*.rows")
    os.truncate(segment, segment.stat().st_size - 4)
    open_log()
    await eventually(lambda: len(leftovers(tmp_path)) == 1)
    assert sink.request_ids == numbered(2)


@pytest.mark.parametrize("place", [0, 5, 10, 40, -4], ids=["mark", "checksum", "length", "head", "features"])
async def test_a_garbled_block_does_not_hold_up_the_rest(open_log, sink, tmp_path, place: int) -> None:
    first = open_log(to=None)
    append(first, *numbered(3))
    await first.close()
    [segment] = tmp_path.glob("*/*.rows")
    content = bytearray(segment.read_bytes())
    second = len(content) // 3 * (1 + (place < 0)) + place
    content[second : second + 3] = bytes(byte ^ 0xFF for byte in content[second : second + 3])
    segment.write_bytes(content)
    open_log()
    await eventually(lambda: len(leftovers(tmp_path)) == 1)
    assert sink.request_ids == ["r-0", "r-2"]


async def test_a_lost_position_ships_again_under_the_same_offsets(open_log, sink, tmp_path) -> None:
    sink.forgetful = True
    first = open_log()
    append(first, *numbered(20))
    await eventually(lambda: bool(sink.records))
    await first.close(timeout=0.05)
    sink.forgetful = False
    [position] = tmp_path.glob("*/position.json")
    position.write_bytes(b"\0" * 128)
    open_log()
    await eventually(lambda: len(leftovers(tmp_path)) == 1)
    assert sink.distinct_request_ids == numbered(20)


def test_segments_are_rotated_and_deleted_once_shipped(tmp_path) -> None:
    directory = LogDirectory.create(tmp_path, ORIGIN)
    writer = SegmentWriter(directory, max_bytes=8)
    for number in range(5):
        blocks = pack(
            Rows([f"r-{number}", "+"], [0.001] * 2, [""] * 2),
            NOON,
            status=400,
            batch=False,
            features=None,
            outputs=None,
            most_rows=1,
        )
        writer.append(blocks)
    writer.close()
    assert directory.segments() == [1, 2, 3, 4, 5]
    with closing(Backlog(directory)) as backlog:
        read = []
        while (batch := backlog.next_batch()) is not None:
            read.append((batch.segment.rpartition("/")[2], batch.offset, batch.blocks[0].head.request_ids))
            backlog.shipped(batch)
    assert read == [(f"{number + 1:06d}", 0, [f"r-{number}"]) for number in range(5)]
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
    """A block is short where nothing was predicted; the event has a null for each column of each row."""
    log = PredictionLog.open(tmp_path, WIDE, sink)
    sent = [f"r-{number}" for number in range(MAX_ROWS)]
    refuse(log, *sent)
    await log.close()
    assert sink.request_ids == sent
    assert max(record.size for record in sink.records) < LARGEST_RECORD // 4


async def test_a_row_that_no_broker_takes_does_not_hold_up_those_behind_it(tmp_path, sink) -> None:
    log = PredictionLog.open(tmp_path, ORIGIN, sink)
    refuse(log, "before", "x" * LARGEST_RECORD, "behind")
    await log.close()
    assert sink.request_ids == ["before", "behind"]
    assert log.waiting == 0
