"""A batch: a file of rows that one version scores, chunk by chunk, each row once."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Literal

BatchFailureCause = Literal[
    "unknown_deployment",
    "not_serving",
    "input_missing",
    "input_unreadable",
    "columns_differ",
    "no_rows",
    "too_many_failed_rows",
    "version_gone",
    "not_answering",
    "cancelled",
    "gave_up",
]


class BatchState(StrEnum):
    WAITING = "waiting"
    """Another batch is scored, or its worker has not looked yet."""
    SCORING = "scoring"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class StoredFile:
    """A file in the artifact store."""

    uri: str
    sha256: str
    size: int


@dataclass(frozen=True)
class BatchFailure:
    cause: BatchFailureCause
    message: str


@dataclass(frozen=True)
class Pin:
    """The version that scores all rows, from the first to the last."""

    version: int
    model: str
    model_sha256: str


@dataclass(frozen=True)
class Progress:
    """Of a batch that has begun. rows: of the input. digest: over the parts written so far, in their order.

    A chunk is `chunk_rows` rows: as many as were decided when the batch began, so that whoever goes on cuts alike.
    """

    rows: int
    chunk_rows: int
    begun_at: datetime
    chunks_done: int = 0
    rows_done: int = 0
    failed_rows: int = 0
    digest: str = ""
    at: datetime | None = None

    @property
    def rate(self) -> float | None:
        """Rows a second, from the beginning to the newest chunk; None before there is one."""
        seconds = (self.at - self.begun_at).total_seconds() if self.at else 0.0
        return self.rows_done / seconds if seconds > 0 else None


@dataclass(frozen=True)
class Batch:
    """The aggregate. version: the one that was asked for, None: whichever serves. correlation_id, causation_id: where
    in a chain it was asked for."""

    id: str
    deployment: str
    version: int | None
    input: StoredFile
    by: str
    requested_at: datetime
    correlation_id: str
    causation_id: str | None
    state: BatchState = BatchState.WAITING
    pin: Pin | None = None
    progress: Progress | None = None
    output: StoredFile | None = None
    failure: BatchFailure | None = None
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.state in (BatchState.COMPLETED, BatchState.FAILED)

    @property
    def rows_done(self) -> int:
        return self.progress.rows_done if self.progress else 0

    def begun(self, pin: Pin, *, rows: int, chunk_rows: int, at: datetime) -> "Batch":
        return replace(self, state=BatchState.SCORING, pin=pin, progress=Progress(rows, chunk_rows, at))

    def scored(self, *, rows: int, failed_rows: int, part: str, at: datetime) -> "Batch":
        """The next chunk is done; part: the digest of what was written of it."""
        done = self._under_way
        return replace(
            self,
            progress=replace(
                done,
                chunks_done=done.chunks_done + 1,
                rows_done=done.rows_done + rows,
                failed_rows=done.failed_rows + failed_rows,
                digest=chained(done.digest, part),
                at=at,
            ),
        )

    def started_over(self, at: datetime) -> "Batch":
        """Parts are gone or changed: every row is scored again, by the same version."""
        done = self._under_way
        return replace(self, progress=Progress(done.rows, done.chunk_rows, at))

    def completed(self, output: StoredFile, at: datetime) -> "Batch":
        return replace(self, state=BatchState.COMPLETED, output=output, ended_at=at)

    def failed(self, cause: BatchFailureCause, message: str, at: datetime) -> "Batch":
        return replace(self, state=BatchState.FAILED, failure=BatchFailure(cause, message), ended_at=at)

    @property
    def _under_way(self) -> Progress:
        assert self.progress is not None, "only a batch that has begun gets on"
        return self.progress


def chained(digest: str, part: str) -> str:
    """The digest of some parts and one more: the same only for the same parts in the same order."""
    return sha256(f"{digest} {part}".encode()).hexdigest()
