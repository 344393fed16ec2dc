"""Lines of a segment as an event's columns."""

from datetime import UTC, datetime

import orjson

from murmur_events import from_record, to_record
from murmur_serving.predictionlog import Origin
from murmur_serving.predictionlog.rows import encode, to_batch

ORIGIN = Origin("credit", "credit", 3, "a" * 64, "credit-v3-1", 0, ("limit", "age"))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def line(request_id: str, *, status: int = 200, trace: str = "", batch: bool = False) -> bytes:
    rows = {"features": [[1.0, None]], "outputs": [0.25]} if status == 200 else {"features": None, "outputs": None}
    return encode(request_id, NOON, 1.5, status=status, trace=trace, batch=batch, **rows)[0]


def test_a_batch_is_what_the_events_class_would_write() -> None:
    record = to_batch(ORIGIN, "s/000001", 7, [line("r-1"), line("é\n"), line("r-3", status=400, trace="b" * 32)])
    envelope = from_record(record.topic, record.value, record.headers)
    written, read = orjson.loads(record.value), orjson.loads(to_record(envelope).value)
    times = [list(map(datetime.fromisoformat, one.pop("times"))) for one in (written, read)]
    assert (times[0], written) == (times[1], read)
    assert to_record(envelope).headers == record.headers
    assert (envelope.event.offset, envelope.event.trace_ids) == (7, ("", "", "b" * 32))


def test_rows_of_batches_are_marked_and_live_ones_carry_nothing_more() -> None:
    of_batch = [line("b/000000/000", batch=True), line("b/000000/001", status=400, batch=True)]
    for lines, marks in (([line("r-1"), *of_batch], (False, True, True)), ([line("r-1")], ())):
        record = to_batch(ORIGIN, "s/000001", 0, lines)
        assert from_record(record.topic, record.value, record.headers).event.in_batches == marks
    assert len(orjson.loads(line("r-1"))) == len(orjson.loads(of_batch[0])) - 1


def test_rows_of_a_release_that_knew_no_traces_are_shipped() -> None:
    old = b'["r-old","2025-12-01T12:00:00+00:00",1.5,200,[1.0,null],0.25]\n'
    record = to_batch(ORIGIN, "s/000001", 0, [old, line("r-new")])
    event = from_record(record.topic, record.value, record.headers).event
    assert (event.request_ids, event.trace_ids, event.outputs) == (("r-old", "r-new"), ("", ""), (0.25, 0.25))


def test_a_row_of_another_width_is_left_out() -> None:
    """A disk that went wrong in the midst of a line."""
    odd = b'["r-odd","2025-12-01T12:00:00+00:00",1.5,200,[1.0],0.25,""]\n'
    record = to_batch(ORIGIN, "s/000001", 0, [odd, line("r-1"), b"garbage\n"])
    assert from_record(record.topic, record.value, record.headers).event.request_ids == ("r-1",)
    assert to_batch(ORIGIN, "s/000001", 0, [odd]) is None
