"""What a worker is told and what it hands back: two files in its work folder."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from murmur_events.values import Signature
from murmur_events.workflows import Costs, DataSection

SPEC = "spec.json"
RESULT = "result.json"
LOG = "worker.log"
MODEL = "model.ubj"
PROBE = "probe.json"
REFERENCE = "reference.parquet"
SIGNATURE = "signature.json"
ENVIRONMENT = "environment.json"

THREADS = 2
"""So many each library of a training may use, unless its orders say otherwise."""

WorkerCause = Literal["data_rejected", "code_raised", "output_invalid", "out_of_memory"]
"""How a worker can say itself that it failed."""

Cause = WorkerCause | Literal["out_of_time", "killed", "environment_unavailable"]
"""How a training can fail; the last three are seen from outside. The words of `run.failed`."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)


class PinnedSnapshot(_File):
    """The snapshot of an earlier training, to learn from instead of what load() would return today."""

    train: Path
    holdout: Path
    digest: str
    periods: tuple[str, ...]
    signature: Signature = Field(description="as told of the rows that load() returned then")


class WorkerSpec(_File):
    """One training, whole: a worker reads nothing else."""

    code: Path = Field(description="folder with the workflow's files")
    work: Path = Field(description="folder for all that the worker writes; made if absent")
    data_dir: Path = Field(description="folder for downloaded data, kept from one training to the next")
    as_of: datetime
    data: DataSection
    entry: str = "train.py"
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    seed: int = 0
    costs: Costs | None = Field(default=None, description="of wrong answers: with them the version gets a threshold")
    threads: int = Field(default=THREADS, ge=1, description="that each library may use")
    snapshot: PinnedSnapshot | None = Field(default=None, description="present: nothing is loaded")
    interpreter: Path | None = Field(default=None, description="absent: that of the process which starts the worker")
    traceparent: str | None = Field(default=None, description="span that the training is part of; W3C Trace Context")


class Trained(_File):
    """The worker ended well. Its files lie in the work folder under the names of this module and of `snapshot`."""

    status: Literal["trained"] = "trained"
    digest: str
    train_rows: int
    holdout_rows: int
    label_rate: float | None
    periods: tuple[str, ...]
    metrics: dict[str, float]
    signature: Signature
    trained_until: str | None = None
    threshold: float | None = None


class Failed(_File):
    """The training gave no model, and why in words a person can act on."""

    status: Literal["failed"] = "failed"
    cause: Cause
    message: str


WorkerResult = Trained | Failed

RESULT_ADAPTER: TypeAdapter[WorkerResult] = TypeAdapter(Annotated[WorkerResult, Field(discriminator="status")])
