"""Rows of the prediction log: as lines of a segment file, and as the columns of an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
import orjson

from murmur_events import Envelope, topic_of
from murmur_events.base import DeploymentName, ModelName
from murmur_events.serving import PredictionLogged

_ENTRIES = 7
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


def encode(
    request_id: str,
    at: datetime,
    latency_ms: float,
    *,
    status: int,
    trace: str,
    features: Sequence[Row] | None,
    outputs: Sequence[float] | None,
) -> tuple[bytes, int]:
    """The lines of one request and their number: one a predicted row, or a single one where nothing was predicted."""
    latency = round(latency_ms, 4)
    if features is None or outputs is None:
        return orjson.dumps([request_id, at, latency, status, None, None, trace], None, _LINE), 1
    if len(outputs) == 1:
        return orjson.dumps([request_id, at, latency, status, features[0], outputs[0], trace], None, _LINE), 1
    lines = [
        orjson.dumps([request_id, at, latency, status, row, output, trace], None, _LINE)
        for row, output in zip(features, outputs, strict=True)
    ]
    return b"".join(lines), len(lines)


def to_envelope(origin: Origin, segment: str, offset: int, lines: Sequence[bytes]) -> Envelope | None:
    """The event of a batch. The same lines at the same place make the same event, id and correlation included.

    Lines that a power cut has garbled are left out; None if no other is there.
    """
    rows = [row for row in map(_decode, lines) if row is not None]
    if not rows:
        return None
    ids, times, latencies, statuses, features, outputs, traces = zip(*rows, strict=True)
    empty = (None,) * len(origin.columns)
    columns = zip(*((row if row is not None else empty) for row in features), strict=True)
    event = PredictionLogged(
        deployment=DeploymentName(origin.deployment),
        shard=origin.shard,
        model=ModelName(origin.model),
        version=origin.version,
        model_sha256=origin.model_sha256,
        replica=origin.replica,
        segment=segment,
        offset=offset,
        request_ids=ids,
        times=tuple(datetime.fromisoformat(time) for time in times),
        latencies_ms=latencies,
        statuses=statuses,
        features=dict(zip(origin.columns, columns, strict=True)),
        outputs=outputs,
        trace_ids=traces,
    )
    event_id = uuid5(_NAMESPACE, f"{origin.replica}/{segment}/{offset}")
    topic = topic_of(event)
    return Envelope(
        id=str(event_id),
        source=f"model-server/{origin.replica}",
        topic=topic.name,
        key=topic.key_of(event),
        time=event.times[-1],
        sequence=offset + 1,
        correlation_id=str(uuid5(event_id, "correlation")),
        causation_id=None,
        event=event,
    )


def _decode(line: bytes) -> list[Any] | None:
    try:
        row: list[Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if len(row) == _ENTRIES else [*row, ""]  # rows of the first releases name no trace
