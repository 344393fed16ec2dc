"""The rows that lie on disk, for tests and for whoever wants to look: `rows_below(log directory of a deployment)`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from murmur_serving.predictionlog.blocks import blocks_in


@dataclass(frozen=True)
class LoggedRow:
    """features: in the order of the signature, None where one is missing; None where nothing was predicted."""

    request_id: str
    at: datetime
    latency_ms: float
    status: int
    features: tuple[float | None, ...] | None
    output: float | None
    trace: str
    batch: bool


def rows_below(parent: Path) -> list[LoggedRow]:
    """Of all incarnations, oldest first; whoever writes or ships meanwhile is not disturbed."""
    return [row for origin in sorted(parent.glob("*/origin.json")) for row in rows_in(origin.parent)]


def rows_in(incarnation: Path) -> Iterator[LoggedRow]:
    """Of one life of one replica."""
    columns = orjson.loads((incarnation / "origin.json").read_bytes())["columns"]
    content = b"".join(segment.read_bytes() for segment in sorted(incarnation.glob("*.rows")))
    for block in blocks_in(content, len(columns)):
        head = block.head
        features = [None] * block.rows if block.features is None else map(_row, block.features.tolist())
        rows = zip(head.request_ids, head.seconds, features, head.outputs, head.traces, strict=True)
        for request_id, seconds, row, output, trace in rows:
            yield LoggedRow(request_id, head.at, seconds * 1000, head.status, row, output, trace, head.batch)


def _row(values: list[float]) -> tuple[float | None, ...]:
    return tuple(None if value != value else value for value in values)
