"""Rows of the prediction log as the columns of an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from uuid import UUID, uuid5

import numpy as np
import orjson

from murmur_events import Envelope, Record, to_record, topic_of
from murmur_events.serving import PredictionLogged
from murmur_serving.predictionlog.blocks import Block

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


def to_batch(origin: Origin, segment: str, offset: int, blocks: Sequence[Block]) -> Record:
    """The event of a batch. The same blocks at the same place make the same event, id and correlation included.

    The payload is written here and not by the event's class, which takes three times as long; a test reads it back by
    the class.
    """
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
    heads = [block.head for block in blocks]
    seconds = np.array([*chain.from_iterable(head.seconds for head in heads)])
    matrix = np.concatenate([_features(block, len(origin.columns)) for block in blocks])
    columns = {
        "request_ids": [*chain.from_iterable(head.request_ids for head in heads)],
        "times": [head.at for head in heads for _ in head.request_ids],
        "latencies_ms": np.round(seconds * 1000, 4),
        "statuses": [head.status for head in heads for _ in head.request_ids],
        "features": dict(zip(origin.columns, np.ascontiguousarray(matrix.T), strict=True)),
        "outputs": [*chain.from_iterable(head.outputs for head in heads)],
        "trace_ids": [*chain.from_iterable(head.traces for head in heads)],
        "in_batches": (
            [head.batch for head in heads for _ in head.request_ids] if any(head.batch for head in heads) else ()
        ),
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
        time=heads[-1].at,
        sequence=offset + 1,
        correlation_id=str(uuid5(event_id, "correlation")),
        causation_id=None,
        event=event,
    )
    return to_record(envelope)._replace(value=value)


def _features(block: Block, columns: int) -> np.ndarray:
    return np.full((block.rows, columns), np.nan) if block.features is None else block.features
