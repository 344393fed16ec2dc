"""Blocks of a segment, read back and as an event's columns."""

from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from murmur_events import from_record, to_record
from murmur_events.serving import PredictionLogged
from murmur_serving.predictionlog import Origin, Rows
from murmur_serving.predictionlog.blocks import Block, blocks_in, pack
from murmur_serving.predictionlog.rows import to_batch

ORIGIN = Origin("credit", "credit", 3, "a" * 64, "credit-v3-1", 0, ("limit", "age"))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def block(request_id: str, *, status: int = 200, trace: str = "", batch: bool = False) -> Block:
    answered = status == 200
    rows = {"features": np.array([[1.0, np.nan]]) if answered else None, "outputs": [0.25] if answered else None}
    content = pack(Rows.of_request(request_id, 0.0015, trace), NOON, status=status, batch=batch, most_rows=9, **rows)
    [read] = blocks_in(content, 2)
    return read


def event_of(*blocks: Block) -> PredictionLogged:
    record = to_batch(ORIGIN, "s/000001", 0, blocks)
    return from_record(record.topic, record.value, record.headers).event


def test_a_batch_is_what_the_events_class_would_write() -> None:
    blocks = [block("r-1"), block("é\n"), block("r-3", status=400, trace="b" * 32)]
    record = to_batch(ORIGIN, "s/000001", 7, blocks)
    envelope = from_record(record.topic, record.value, record.headers)
    written, read = orjson.loads(record.value), orjson.loads(to_record(envelope).value)
    times = [list(map(datetime.fromisoformat, one.pop("times"))) for one in (written, read)]
    assert (times[0], written) == (times[1], read)
    assert to_record(envelope).headers == record.headers
    assert (envelope.event.offset, envelope.event.trace_ids) == (7, ("", "", "b" * 32))
    assert (envelope.event.latencies_ms, envelope.event.statuses) == ((1.5, 1.5, 1.5), (200, 200, 400))


def test_rows_of_batches_are_marked_and_live_ones_carry_nothing_more() -> None:
    of_batch = [block("b/000000/000", batch=True), block("b/000000/001", status=400, batch=True)]
    assert event_of(block("r-1"), *of_batch).in_batches == (False, True, True)
    assert event_of(block("r-1")).in_batches == ()


@given(
    features=arrays.arrays(np.float64, st.tuples(st.integers(1, 20), st.just(2))),
    junk=st.binary(max_size=40),
    most=st.integers(1, 30),
)
def test_what_was_written_is_read_bit_by_bit(features: np.ndarray, junk: bytes, most: int) -> None:
    outputs = features[:, 0].tolist()
    rows = Rows.of_request("r-1", 0.001, rows=len(features))
    blocks = pack(rows, NOON, status=200, batch=False, features=features, outputs=outputs, most_rows=most)
    read = list(blocks_in(junk + blocks + junk + blocks, 2))
    assert len(read) % 2 == 0
    read = read[: len(read) // 2]
    assert np.concatenate([one.features for one in read]).tobytes() == features.tobytes()
    assert max(one.rows for one in read) <= most


@pytest.mark.parametrize("columns", [1, 3])
def test_a_block_of_another_width_is_left_out(columns: int) -> None:
    """A disk that went wrong, or a folder that was given to another model."""
    rows = {"features": np.ones((1, 2)), "outputs": [0.5]}
    blocks = pack(Rows.of_request("r-odd", 0.001), NOON, status=200, batch=False, most_rows=9, **rows)
    assert list(blocks_in(blocks, columns)) == []
