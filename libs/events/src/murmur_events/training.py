"""Why a training starts, or does not."""

from typing import Literal

from pydantic import AwareDatetime, Field

from murmur_events.base import Event, ModelName, Value, WorkflowName
from murmur_events.reproductions import Reproduces

TriggerKind = Literal["schedule", "manual", "drift", "degradation", "commit", "data", "reproduction"]


class Trigger(Value):
    """What asked for a training. The same kind and key ask for the same training, however often they are said."""

    kind: TriggerKind
    key: str = Field(
        description="schedule: the tick; manual: the idempotency key; drift, degradation: the episode;"
        " reproduction: the run, /, and the idempotency key"
    )
    reason: str = ""
    by: str = Field(default="", description="the person who asked; empty: nobody did, it is automatic")


class TrainingRequested(Event):
    """Somebody or something wants a candidate."""

    workflow: WorkflowName
    revision: int | None = Field(default=None, ge=1, description="absent: the newest when the request is handled")
    trigger: Trigger
    as_of: AwareDatetime = Field(description="data later than this must not be read")
    parameters: dict[str, bool | int | float | str] = Field(
        default_factory=dict, description="override the workflow's own"
    )
    reproduces: Reproduces | None = Field(
        default=None, description="with a trigger of kind reproduction, and only then"
    )
    sweep: str | None = Field(default=None, description="the sweep that it is a member of")


class TrainingSkipped(Event):
    """A request that starts nothing, and why."""

    workflow: WorkflowName
    trigger: Trigger
    why: Literal[
        "already_trained",
        "training_active",
        "cooling_down",
        "retraining_off",
        "unknown_workflow",
        "frozen",
        "not_reproducible",
        "cancelled",
    ]
    detail: str = ""
    model: ModelName | None = None
