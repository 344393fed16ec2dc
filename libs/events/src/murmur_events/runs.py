"""The life of one run, from its start to the one fact that ends it."""

from typing import Literal

from pydantic import AwareDatetime, Field

from murmur_events.base import Event, RunId, Value, WorkflowName
from murmur_events.training import Trigger
from murmur_events.values import Artifact, DatasetRef, ModelArtifacts, Number


class MetricPoint(Value):
    """One value of a metric's history."""

    name: str
    step: int = Field(ge=0)
    value: Number
    time: AwareDatetime


class Provenance(Value):
    """What must be the same for a run to be repeated."""

    code: Artifact
    environment: Artifact = Field(description="JSON: interpreter, platform and every distribution with its version")
    seed: int
    revision: int = Field(ge=1)


class RunStarted(Event):
    """A worker has begun. A later start of the same run carries a higher attempt: the earlier worker is gone."""

    run_id: RunId
    workflow: WorkflowName
    revision: int = Field(ge=1)
    trigger: Trigger
    as_of: AwareDatetime
    attempt: int = Field(ge=1)
    parameters: dict[str, bool | int | float | str]
    provenance: Provenance
    started_at: AwareDatetime


class RunLogged(Event):
    """A batch of what the run said meanwhile."""

    run_id: RunId
    workflow: WorkflowName
    attempt: int = Field(ge=1)
    metrics: tuple[MetricPoint, ...] = ()
    lines: tuple[str, ...] = Field(default=(), description="what train.py printed")
    progress: float | None = Field(default=None, ge=0, le=1)


class RunCompleted(Event):
    """The run ended well; this is its full final state."""

    run_id: RunId
    workflow: WorkflowName
    revision: int = Field(ge=1)
    trigger: Trigger
    as_of: AwareDatetime
    attempt: int = Field(ge=1)
    parameters: dict[str, bool | int | float | str]
    provenance: Provenance
    metrics: dict[str, Number] = Field(description="last value of each metric")
    dataset: DatasetRef
    model: ModelArtifacts | None = Field(default=None, description="absent: the run made no model")
    research: bool = Field(default=False, description="the model is kept with its run and becomes no version")
    log: Artifact
    started_at: AwareDatetime
    ended_at: AwareDatetime


class RunFailed(Event):
    """The run ended without a result, and why in words a person can act on."""

    run_id: RunId
    workflow: WorkflowName
    revision: int = Field(ge=1)
    trigger: Trigger
    attempt: int = Field(ge=1)
    cause: Literal["data_rejected", "code_raised", "out_of_time", "out_of_memory", "killed", "output_invalid"]
    message: str
    log: Artifact | None = None
    started_at: AwareDatetime
    ended_at: AwareDatetime
