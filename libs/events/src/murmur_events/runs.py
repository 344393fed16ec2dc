"""The life of one run, from its start to the fact that ends it.

A run has one writer: the trainer for those that it starts, tracking for those that outside clients log. The trainer's
name a workflow, its revision, the trigger and the provenance; those of clients name an experiment, and what a client
cannot know is absent.
"""

from typing import Literal

from pydantic import AwareDatetime, Field

from murmur_events.base import Event, ExperimentId, RunId, Value, WorkflowName
from murmur_events.reproductions import Reproduction
from murmur_events.training import Trigger
from murmur_events.values import Artifact, DatasetRef, ModelArtifacts, Number, Sha256, Source


class MetricPoint(Value):
    """One value of a metric's history."""

    name: str
    step: int = Field(ge=0)
    value: Number
    time: AwareDatetime


class MetricColumns(Value):
    """Values of metrics by columns, for batches of a thousand: the i-th is of names[name[i]]. time: ms since 1970."""

    names: tuple[str, ...]
    name: tuple[int, ...]
    step: tuple[int, ...]
    time: tuple[int, ...]
    value: tuple[Number, ...]


class Hardware(Value):
    """What the run's process had to work with; absent is what the machine does not tell."""

    processor: str | None = None
    machine: str | None = Field(default=None, description="architecture, such as x86_64")
    cores: int | None = Field(default=None, ge=1)
    memory: int | None = Field(default=None, ge=0, title="Memory of the machine", description="bytes, all of it")
    threads: int | None = Field(default=None, ge=1, description="so many threads a library was told to use")


class Measured(Value):
    """Values of the columns that are of a logged model too, on the same data set. places: which of them."""

    model_id: str
    dataset_name: str | None = None
    dataset_digest: str | None = None
    places: tuple[int, ...]


class Provenance(Value):
    """What must be the same for a run to be repeated."""

    code: Artifact
    environment: Artifact = Field(description="JSON: interpreter, platform and every distribution with its version")
    seed: int
    revision: int = Field(ge=1)
    lock: Sha256 | None = Field(
        default=None, description="sha256 over the lines name==version of all distributions, sorted by name"
    )
    interpreter: str | None = Field(default=None, description="such as CPython 3.11.7")
    platform: str | None = None
    hardware: Hardware | None = None
    source: Source | None = Field(default=None, description="absent: the code was applied from outside a repository")


class Registration(Value):
    """Under what a client's run is filed."""

    experiment: ExperimentId
    workspace: str
    name: str
    user: str = ""
    artifact_uri: str
    tags: dict[str, str] = Field(default_factory=dict)


class DatasetInput(Value):
    """A data set that a run has read, as its client described it."""

    name: str
    digest: str
    source_type: str
    source: str
    schema_text: str | None = None
    profile: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class ModelLink(Value):
    """A logged model that a run has read or written."""

    model_id: str
    step: int | None = None


class RunStarted(Event):
    """A worker has begun. A later start of the same run carries a higher attempt: the earlier worker is gone, or the
    client has resumed it."""

    run_id: RunId
    workflow: WorkflowName | None = None
    revision: int | None = Field(default=None, ge=1)
    trigger: Trigger | None = None
    as_of: AwareDatetime | None = None
    attempt: int = Field(ge=1)
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    provenance: Provenance | None = None
    started_at: AwareDatetime
    registration: Registration | None = Field(default=None, description="of a client's run; absent: the trainer's")


class RunLogged(Event):
    """A batch of what the run said meanwhile."""

    run_id: RunId
    workflow: WorkflowName | None = None
    attempt: int = Field(ge=1)
    metrics: tuple[MetricPoint, ...] = ()
    lines: tuple[str, ...] = Field(default=(), description="what train.py printed")
    progress: float | None = Field(default=None, ge=0, le=1)
    columns: MetricColumns | None = None
    measured: tuple[Measured, ...] = Field(default=(), description="whose values those of the columns are beside")
    parameters: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    removed_tags: tuple[str, ...] = ()
    name: str | None = None
    deleted: bool | None = Field(default=None, description="true: moved to the bin; false: taken out of it")
    scheduled: bool | None = Field(default=None, description="true: waits for a machine; false: runs")
    datasets: tuple[DatasetInput, ...] = ()
    models_read: tuple[ModelLink, ...] = ()
    models_written: tuple[ModelLink, ...] = ()


class RunCompleted(Event):
    """The run ended well; this is its full final state."""

    run_id: RunId
    workflow: WorkflowName | None = None
    revision: int | None = Field(default=None, ge=1)
    trigger: Trigger | None = None
    as_of: AwareDatetime | None = None
    attempt: int = Field(ge=1)
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    provenance: Provenance | None = None
    metrics: dict[str, Number] = Field(description="last value of each metric")
    dataset: DatasetRef | None = None
    model: ModelArtifacts | None = Field(default=None, description="absent: the run made no model")
    research: bool = Field(default=False, description="the model is kept with its run and becomes no version")
    log: Artifact | None = None
    started_at: AwareDatetime
    ended_at: AwareDatetime
    reproduction: Reproduction | None = Field(
        default=None, description="present: the run repeated another, and this is how the two compare"
    )


class RunFailed(Event):
    """The run ended without a result, and why in words a person can act on."""

    run_id: RunId
    workflow: WorkflowName | None = None
    revision: int | None = Field(default=None, ge=1)
    trigger: Trigger | None = None
    attempt: int = Field(ge=1)
    cause: Literal[
        "data_rejected",
        "code_raised",
        "out_of_time",
        "out_of_memory",
        "killed",
        "output_invalid",
        "environment_unavailable",
        "reported",
    ]
    message: str
    log: Artifact | None = None
    started_at: AwareDatetime
    ended_at: AwareDatetime
