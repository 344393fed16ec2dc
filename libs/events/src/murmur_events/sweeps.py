"""Many trainings of one workflow that differ in their parameters, asked for at once."""

from typing import Literal

from pydantic import AwareDatetime, Field

from murmur_events.base import Event, RunId, Value, WorkflowName
from murmur_events.values import Number

Scalar = bool | int | float | str


class SweepRequested(Event):
    """Somebody wants so many trainings; each is a training.requested that names this sweep, in its chain."""

    sweep_id: str
    workflow: WorkflowName
    revision: int = Field(ge=1)
    by: str
    reason: str = ""
    as_of: AwareDatetime = Field(description="data later than this must not be read")
    grid: dict[str, tuple[Scalar, ...]] = Field(default_factory=dict, description="values to try, by parameter")
    data: dict[str, tuple[Scalar, ...]] = Field(
        default_factory=dict, description="parameters that choose the data: each point of the grid is tried on each"
    )
    random: int | None = Field(default=None, ge=1, description="so many points of the grid, drawn; absent: all")
    seed: int = Field(default=0, description="of the draw")
    members: int = Field(ge=1, description="how many trainings that makes")
    metric: str = Field(description="by which the best run is chosen")
    goal: Literal["minimize", "maximize"]
    max_parallel: int = Field(ge=1, description="so many of them train at once, at most")


class BestRun(Value):
    """The best of those that were trained on one choice of the data."""

    data: dict[str, Scalar] = Field(default_factory=dict)
    run_id: RunId
    value: Number
    parameters: dict[str, Scalar]


class SweepCompleted(Event):
    """Nothing more will be trained for it. Members that failed are part of the result, and do not end a sweep."""

    sweep_id: str
    workflow: WorkflowName
    revision: int = Field(ge=1)
    by: str
    outcome: Literal["completed", "cancelled"]
    members: int = Field(ge=1)
    completed: int = Field(ge=0)
    failed: int = Field(ge=0)
    cancelled: int = Field(ge=0, description="members that were never begun")
    metric: str
    goal: Literal["minimize", "maximize"]
    best: tuple[BestRun, ...] = Field(default=(), description="one a choice of the data, where any run has the metric")
    cancelled_by: str = ""
    reason: str = Field(default="", description="why it was cancelled")
    started_at: AwareDatetime
    ended_at: AwareDatetime
