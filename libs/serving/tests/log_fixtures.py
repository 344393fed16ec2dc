"""A prediction log's origin, rows for it, and a sink that remembers."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from murmur_events import Envelope, Record, from_record
from murmur_serving.errors import SinkAway
from murmur_serving.predictionlog import Origin, PredictionLog, Rows

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
        self.refused = 0
        self.forgetful = False
        self.closed = False

    async def send(self, record: Record) -> None:
        await asyncio.sleep(0)
        if self.away:
            self.refused += 1
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
        seen: dict[str, Envelope] = {}
        for envelope in self.envelopes:
            seen.setdefault(envelope.id, envelope)
        return [row for envelope in seen.values() for row in envelope.event.request_ids]


def append(log: PredictionLog, *request_ids: str) -> None:
    for request_id in request_ids:
        log.append(Rows.of_request(request_id, 0.0015), NOON, features=np.array([[1.0, np.nan]]), outputs=[0.25])


def refuse(log: PredictionLog, *request_ids: str) -> None:
    for request_id in request_ids:
        log.append(Rows.of_request(request_id, 0.001), NOON, status=400)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  files change without an event to wait for
            await asyncio.sleep(0.005)


def numbered(count: int, start: int = 0) -> list[str]:
    return [f"r-{number}" for number in range(start, start + count)]
