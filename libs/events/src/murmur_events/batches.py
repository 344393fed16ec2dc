"""Files of rows that are scored as a whole."""

from typing import Annotated, Literal

from pydantic import Field

from murmur_events.base import DeploymentName, Event, ModelName
from murmur_events.values import Artifact, Sha256

BatchId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
"""Names the batch for ever: whoever asks twice under one id asks once."""

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


class BatchRequested(Event):
    """Somebody wants a file of rows scored by what serves."""

    batch: BatchId
    deployment: DeploymentName
    version: int | None = Field(default=None, ge=1, description="absent: the one that serves when the batch begins")
    input: Artifact = Field(description="Parquet: a column for each input of the model, a row for each prediction")
    by: str


class BatchCompleted(Event):
    """Every row was scored, once, by one version."""

    batch: BatchId
    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1)
    model_sha256: Sha256
    rows: int = Field(ge=1)
    failed_rows: int = Field(ge=0, description="rows that were not taken: their output is null, and the reason is told")
    output: Artifact = Field(description="Parquet: `row` (of the input, from 0), the model's output, `error`")
    seconds: float = Field(ge=0, description="from the first row to the last")


class BatchFailed(Event):
    """A batch ended without an output."""

    batch: BatchId
    deployment: DeploymentName
    version: int | None = Field(description="the one that scored it; null: it had not begun")
    cause: BatchFailureCause
    message: str
    rows_done: int = Field(ge=0)
