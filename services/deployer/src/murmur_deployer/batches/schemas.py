"""What the REST API shows of batches."""

from datetime import datetime

from pydantic import BaseModel, Field

from murmur_deployer.domain.batch import Batch, BatchFailureCause, BatchState
from murmur_events.values import Sha256


class InputColumn(BaseModel):
    name: str
    type: str
    numeric: bool


class InputView(BaseModel):
    """A file that may be scored, by its sha256."""

    sha256: str
    size: int
    rows: int
    columns: list[InputColumn]


class BatchWish(BaseModel):
    """version: absent is the one that serves when the batch begins. input: the sha256 that the door answered."""

    deployment: str = Field(min_length=1)
    version: int | None = Field(default=None, ge=1)
    input: Sha256
    by: str | None = None


class BatchView(BaseModel):
    """rate: rows a second so far. failed_rows: those that the model did not take; the output says why."""

    id: str
    deployment: str
    state: BatchState
    version: int | None
    model_sha256: str | None
    rows: int | None
    rows_done: int
    failed_rows: int
    rate: float | None
    cause: BatchFailureCause | None
    message: str | None
    by: str
    requested_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    input_sha256: str
    output_sha256: str | None
    output_size: int | None
    correlation_id: str


class BatchPage(BaseModel):
    items: list[BatchView]
    next: str | None


def view(batch: Batch) -> BatchView:
    done, failure, output = batch.progress, batch.failure, batch.output
    return BatchView(
        id=batch.id,
        deployment=batch.deployment,
        state=batch.state,
        version=batch.pin.version if batch.pin else batch.version,
        model_sha256=batch.pin.model_sha256 if batch.pin else None,
        rows=done.rows if done else None,
        rows_done=batch.rows_done,
        failed_rows=done.failed_rows if done else 0,
        rate=done.rate if done else None,
        cause=failure.cause if failure else None,
        message=failure.message if failure else None,
        by=batch.by,
        requested_at=batch.requested_at,
        begun_at=done.begun_at if done else None,
        ended_at=batch.ended_at,
        input_sha256=batch.input.sha256,
        output_sha256=output.sha256 if output else None,
        output_size=output.size if output else None,
        correlation_id=batch.correlation_id,
    )
