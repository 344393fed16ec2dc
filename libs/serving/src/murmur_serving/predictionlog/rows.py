"""Rows of the prediction log: as lines of a segment file, and as the columns of an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
import numpy as np
import orjson

from murmur_events import Envelope, Record, to_record, topic_of
from murmur_events.serving import PredictionLogged

_OLDEST, _ABSENT = 6, ("", False)
"""Entries of a row of the first releases; and what later ones say where a row has less: no trace, in no batch."""
_LINE = orjson.OPT_APPEND_NEWLINE

Row = Sequence[float | None]
"""NaN and None are a missing value; both are written as null."""

_NAMESPACE = UUID("3f1f0a0e-6a0b-5b0e-9d52-0d3b8c1f7a11")


@dataclass(frozen=True)
class Origin:
    """What all rows of one replica have in common; columns in the order in which a row carries its features."""

    deployment: str
    model: str
    version: int
    model_sha256: str
    replica: str
    shard: int
    columns: tuple[str, ...]


class Entry(msgspec.Struct, frozen=True):
    """What is logged of one request that was answered."""

    request_id: str
    seconds: float
    trace: str
    rows: Sequence[Row]
    outputs: Sequence[float]
    batch: bool = False


def encode(
    request_id: str,
    at: datetime,
    latency_ms: float,
    *,
    status: int,
    trace: str,
    features: Sequence[Row] | None,
    outputs: Sequence[float] | None,
    batch: bool = False,
) -> tuple[bytes, int]:
    """The lines of one request and their number: one a predicted row, or a single one where nothing was predicted.

    batch: it was asked for a batch, which is written as one entry more.
    """
    latency = round(latency_ms, 4)
    if batch:
        return _of_batch(request_id, at, latency, status, features, outputs, trace)
    if features is None or outputs is None:
        return orjson.dumps([request_id, at, latency, status, None, None, trace], None, _LINE), 1
    if len(outputs) == 1:
        return orjson.dumps([request_id, at, latency, status, features[0], outputs[0], trace], None, _LINE), 1
    lines = [
        orjson.dumps([request_id, at, latency, status, row, output, trace], None, _LINE)
        for row, output in zip(features, outputs, strict=True)
    ]
    return b"".join(lines), len(lines)


def _of_batch(
    request_id: str,
    at: datetime,
    latency: float,
    status: int,
    features: Sequence[Row] | None,
    outputs: Sequence[float] | None,
    trace: str,
) -> tuple[bytes, int]:
    answered = [(None, None)] if features is None or outputs is None else zip(features, outputs, strict=True)
    lines = [
        orjson.dumps([request_id, at, latency, status, row, output, trace, True], None, _LINE)
        for row, output in answered
    ]
    return b"".join(lines), len(lines)


def to_batch(origin: Origin, segment: str, offset: int, lines: Sequence[bytes]) -> Record | None:
    """The event of a batch. The same lines at the same place make the same event, id and correlation included.

    Lines that a power cut has garbled are left out; None if no other is there. The payload is written here and not by
    the event's class, which takes three times as long; a test reads it back by the class.
    """
    rows = _decoded(lines, len(origin.columns))
    if not rows:
        return None
    ids, times, latencies, statuses, features, outputs, traces, in_batches = zip(*rows, strict=True)
    empty = (None,) * len(origin.columns)
    matrix = np.array([empty if row is None else row for row in features], dtype=np.float64)  # None becomes NaN
    about = {
        "deployment": origin.deployment,
        "shard": origin.shard,
        "model": origin.model,
        "version": origin.version,
        "model_sha256": origin.model_sha256,
        "replica": origin.replica,
        "segment": segment,
        "offset": offset,
    }
    columns = {
        "request_ids": ids,
        "times": times,
        "latencies_ms": latencies,
        "statuses": statuses,
        "features": dict(zip(origin.columns, np.ascontiguousarray(matrix.T), strict=True)),
        "outputs": outputs,
        "trace_ids": traces,
        "in_batches": in_batches if any(in_batches) else (),
    }
    value = orjson.dumps(about | columns, option=orjson.OPT_SERIALIZE_NUMPY)  # NaN becomes null
    event = PredictionLogged(**about, **dict.fromkeys(columns, ()) | {"features": {}})
    event_id = uuid5(_NAMESPACE, f"{origin.replica}/{segment}/{offset}")
    topic = topic_of(event)
    envelope = Envelope(
        id=str(event_id),
        source=f"model-server/{origin.replica}",
        topic=topic.name,
        key=topic.key_of(event),
        time=datetime.fromisoformat(times[-1]),
        sequence=offset + 1,
        correlation_id=str(uuid5(event_id, "correlation")),
        causation_id=None,
        event=event,
    )
    return to_record(envelope)._replace(value=value)


def _decoded(lines: Sequence[bytes], width: int) -> list[list[Any]]:
    try:
        rows: list[Any] = orjson.loads(b"[%b]" % b",".join(lines))
    except orjson.JSONDecodeError:
        rows = [row for row in map(_decode, lines) if row is not None]
    return [[*row, *_ABSENT[len(row) - _OLDEST :]] for row in rows if _is_row(row, width)]


def _decode(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _is_row(row: Any, width: int) -> bool:
    whole = type(row) is list and _OLDEST <= len(row) <= _OLDEST + len(_ABSENT)
    return whole and (row[4] is None or (type(row[4]) is list and len(row[4]) == width))
