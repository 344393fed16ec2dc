"""What the REST API takes and gives."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from murmur_events.values import Artifact
from murmur_events.workflows import WorkflowDefinition
from murmur_trainer.domain.freezes import Automation, Freeze
from murmur_trainer.domain.reproduction import Difference
from murmur_trainer.domain.sweep import Goal, SweepState
from murmur_trainer.domain.training import EnvironmentMode, FailureCause, TrainingState, TriggerKind

Scalar = bool | int | float | str
Parameters = dict[str, Scalar]
Instant = Annotated[datetime, AfterValidator(lambda at: at.replace(tzinfo=UTC) if at.tzinfo is None else at)]
"""A date or a time; without an offset it is UTC."""


class SourceFiles(BaseModel):
    """Where in a git repository the folder is. diff: from the commit to the files; absent: clean, or too large."""

    commit: str = Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")
    dirty: bool
    diff: str | None = Field(default=None, max_length=2**20)


class WorkflowFiles(BaseModel):
    """A workflow's folder: the text of workflow.yaml, and of the files beside it by their path with /."""

    definition: str
    files: dict[str, str]
    source: SourceFiles | None = None


class Applied(BaseModel):
    """unchanged: the flock knows this very content under this revision already, and nothing happened."""

    name: str
    revision: int
    unchanged: bool
    code: Artifact
    next_tick: datetime | None
    correlation_id: str | None = Field(description="the chain of workflow.applied; null when unchanged")


class WorkflowView(BaseModel):
    """active and waiting are run ids, in the order in which they train."""

    name: str
    description: str
    revision: int
    applied_at: datetime
    schedule: str | None
    next_tick: datetime | None
    active: str | None
    waiting: tuple[str, ...]
    code: Artifact
    definition: WorkflowDefinition


class WorkflowPage(BaseModel):
    items: tuple[WorkflowView, ...]
    next: str | None


class TrainingWish(BaseModel):
    """A training to ask for. schedule: as_of is a past tick, the latest without; manual: any past time, now without."""

    kind: Literal["manual", "schedule"] = "manual"
    as_of: Instant | None = None
    parameters: Parameters = Field(default_factory=dict, description="override the workflow's own, for this training")
    reason: str = ""
    by: str = Field(default="", max_length=200, description="who asks")


class Accepted(BaseModel):
    """It is asked for: what becomes of it, events of this correlation tell, run.started or training.skipped first."""

    workflow: str
    revision: int
    run_id: str
    kind: TriggerKind
    key: str
    as_of: datetime
    correlation_id: str


class ReproductionWish(BaseModel):
    """environment: same refuses where the present one is not that of the run, present takes what there is and says what
    differs, fresh builds one of exactly the versions that the run had."""

    seed: int | None = Field(default=None, description="another one, as the control that must come out differently")
    environment: EnvironmentMode = "same"
    reason: str = Field(default="", max_length=2000)
    by: str = Field(default="", max_length=200, description="who asks")


class DifferenceView(BaseModel):
    """null: it was not there, or nobody recorded it."""

    what: str
    name: str
    original: str | None
    reproduced: str | None

    @classmethod
    def of(cls, difference: Difference) -> "DifferenceView":
        return cls(**vars(difference))


class ReproductionAccepted(BaseModel):
    """It is asked for: run.completed of `run_id` will carry the verdict, events of this correlation tell of it."""

    of: str
    run_id: str
    workflow: str
    revision: int
    seed: int
    environment: EnvironmentMode
    differences: tuple[DifferenceView, ...] = Field(description="of the environments, known already and accepted")
    correlation_id: str


class TrainingView(BaseModel):
    """queued: behind another training of its workflow, or waiting for a free slot."""

    run_id: str
    workflow: str
    revision: int
    kind: TriggerKind
    key: str
    by: str
    reason: str
    as_of: datetime
    parameters: Parameters
    sweep: str | None = Field(description="the sweep that it is a member of")
    state: TrainingState
    attempt: int
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    cause: FailureCause | None = Field(description="why it failed")
    message: str = Field(description="why it failed, in words to act on")
    overdue: bool = Field(default=False, description="it had not ended when it should have")
    reproduces: str | None = Field(default=None, description="the run that it repeats")
    correlation_id: str


class TrainingPage(BaseModel):
    items: tuple[TrainingView, ...]
    next: str | None


class SweepWish(BaseModel):
    """Trainings to ask for at once: each point of the grid, or some drawn from it, on each choice of the data."""

    grid: dict[str, list[Scalar]] = Field(default_factory=dict, description="values to try, by parameter")
    data: dict[str, list[Scalar]] = Field(default_factory=dict, description="parameters that choose the data")
    random: int | None = Field(default=None, ge=1, description="so many points of the grid, drawn; null: all")
    seed: int = Field(default=0, description="of the draw")
    metric: str | None = Field(default=None, description="chooses the best run; null: training.objective")
    goal: Goal | None = None
    max_parallel: int = Field(default=4, ge=1, le=1000, description="so many of them train at once, at most")
    as_of: Instant | None = None
    reason: str = Field(default="", max_length=2000)
    by: str = Field(default="", max_length=200, description="who asks; else the token's holder")


class BestView(BaseModel):
    """The best run on one choice of the data."""

    data: Parameters
    run_id: str
    value: float
    parameters: Parameters


class SweepView(BaseModel):
    """training: members with a slot or next for one. waiting: members behind these."""

    sweep_id: str
    workflow: str
    revision: int
    by: str
    reason: str
    state: SweepState
    as_of: datetime
    grid: dict[str, list[Scalar]]
    data: dict[str, list[Scalar]]
    metric: str
    goal: Goal
    max_parallel: int
    members: int
    training: int
    waiting: int
    completed: int
    failed: int
    cancelled: int
    best: tuple[BestView, ...] = Field(description="so far; one a choice of the data")
    cancelled_by: str
    requested_at: datetime
    ended_at: datetime | None
    correlation_id: str


class SweepPage(BaseModel):
    items: tuple[SweepView, ...]
    next: str | None


class SweepCancellation(BaseModel):
    by: str | None = Field(default=None, min_length=1, max_length=200, description="else the token's holder")
    reason: str = Field(default="", max_length=2000)


class FreezeWish(BaseModel):
    by: str | None = Field(default=None, min_length=1, max_length=200, description="else the token's holder")
    reason: str = Field(min_length=1, max_length=2000)


class FreezeView(BaseModel):
    """by, reason and at are of the last change: of the freeze while it is active, of its end afterwards."""

    scope: str
    what: Automation
    workflow: str | None = Field(description="null: all workflows")
    active: bool
    revision: int
    by: str
    reason: str
    at: datetime

    @classmethod
    def of(cls, freeze: Freeze) -> "FreezeView":
        return cls(**vars(freeze))


class FreezePage(BaseModel):
    items: tuple[FreezeView, ...]
    next: str | None
