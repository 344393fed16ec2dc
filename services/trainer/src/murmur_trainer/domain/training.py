"""A training: one answer to one trigger, from the request to its end."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self

TriggerKind = Literal["schedule", "manual", "drift", "degradation", "commit", "data", "reproduction"]
Monitored = Literal["drift", "degradation"]
"""What the monitor finds: each episode of either asks once."""
FailureCause = Literal[
    "data_rejected",
    "code_raised",
    "out_of_time",
    "out_of_memory",
    "killed",
    "output_invalid",
    "environment_unavailable",
]
EnvironmentMode = Literal["same", "present", "fresh"]
Parameters = dict[str, bool | int | float | str]

RUNS = uuid.UUID("6a0c5c0e-6f1b-5d5e-9a43-2f6c0b8e1d77")
"""The namespace of run ids."""


class TrainingState(StrEnum):
    QUEUED = "queued"
    """Behind another training of its workflow, or waiting for a free slot."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Of a sweep that was called off before this member had begun."""


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What asked for a training: the same kind and key ask for the same one. `by` is who asked, if a person did."""

    kind: TriggerKind
    key: str
    reason: str = ""
    by: str = ""

    @property
    def automatic(self) -> bool:
        """Nobody asked: this is what a freeze of retraining holds back."""
        return self.kind != "manual" and not self.by


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """The run to repeat, and how. code and data are digests; threads None: nobody recorded them."""

    run_id: str
    code: str
    data: str
    seed: int
    threads: int | None
    environment: EnvironmentMode


@dataclass(frozen=True, kw_only=True)
class Request:
    """A wish for a training. revision None: the newest when the wish is answered."""

    workflow: str
    revision: int | None
    trigger: Trigger
    as_of: datetime
    parameters: Parameters = field(default_factory=dict)
    reproduces: Repeat | None = None
    sweep: str | None = None

    @property
    def run_id(self) -> str:
        return run_id_of(self.workflow, self.trigger)


@dataclass(frozen=True, kw_only=True)
class Training:
    """attempt counts the workers that began it, from 1; started_at is when the latest one did."""

    run_id: str
    workflow: str
    revision: int
    trigger: Trigger
    as_of: datetime
    parameters: Parameters
    state: TrainingState
    requested_at: datetime
    attempt: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cause: FailureCause | None = None
    message: str = ""
    overdue: bool = False
    reproduces: Repeat | None = None
    sweep: str | None = None

    @property
    def request(self) -> Request:
        """What it answers."""
        return Request(
            workflow=self.workflow,
            revision=self.revision,
            trigger=self.trigger,
            as_of=self.as_of,
            parameters=self.parameters,
            sweep=self.sweep,
            reproduces=self.reproduces,
        )

    @property
    def ended(self) -> bool:
        return self.state not in (TrainingState.QUEUED, TrainingState.RUNNING)

    def running(self, *, attempt: int, at: datetime) -> Self:
        """A worker has begun; a second one, after the first was lost, begins anew."""
        return replace(self, state=TrainingState.RUNNING, attempt=attempt, started_at=at)

    def missed(self) -> Self:
        """It has not ended in time."""
        return replace(self, overdue=True)

    def cancelled(self, message: str, *, at: datetime) -> Self:
        """It never began."""
        return replace(self, state=TrainingState.CANCELLED, message=message, ended_at=at)

    def completed(self, *, at: datetime) -> Self:
        return replace(self, state=TrainingState.COMPLETED, ended_at=at)

    def failed(self, cause: FailureCause, message: str, *, at: datetime) -> Self:
        return replace(self, state=TrainingState.FAILED, cause=cause, message=message, ended_at=at)


def run_id_of(workflow: str, trigger: Trigger) -> str:
    """The run that a trigger asks for: however often it is said, it is the same run."""
    return "r-" + uuid.uuid5(RUNS, f"{workflow}\n{trigger.kind}\n{trigger.key}").hex[:12]
