"""A fake of the port of batches, held to the same contract as the real one, and files to test with."""

import asyncio
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from murmur_deployer.batches.ports import Matrix, ReplicaAway, RowsRefused
from murmur_deployer.domain.replicas import Replica


@dataclass
class FakeScorer:
    """Answers with the sum of a row, and refuses rows that hold `bad`.

    away: how many requests nobody answers. dies_at: the number of the request in which the process ends. in_time: so
    many rows at once are answered; about more of them there is never an answer.
    """

    bad: float = -1.0
    away: int = 0
    dies_at: int | None = None
    in_time: int | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)
    replicas: list[str] = field(default_factory=list)

    async def score(
        self, replica: Replica, request_id: str, columns: Sequence[str], rows: Matrix
    ) -> Sequence[float | None]:
        if self.away:
            self.away -= 1
            raise ReplicaAway("connection refused")
        if self.dies_at is not None and len(self.asked) >= self.dies_at:
            self.dies_at = None
            raise asyncio.CancelledError
        self.asked.append((request_id, len(rows)))
        self.replicas.append(replica.name)
        if self.in_time is not None and len(rows) > self.in_time:
            await asyncio.Event().wait()
        if (rows == self.bad).any():
            row, column = np.argwhere(rows == self.bad)[0]
            raise RowsRefused(f"input {columns[column]!r} is {self.bad!r} in row {row}: it was never seen")
        return [float(output) for output in np.nansum(rows, axis=1)]


def parquet_bytes(columns: Mapping[str, Sequence[object]], *, group_rows: int | None = None) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pa.table(dict(columns)), buffer, row_group_size=group_rows)
    return buffer.getvalue()
