"""A sweep from its request to its end: who of its members trains, who waits, and which was the best so far."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self

from murmur_trainer.domain.parameters import Scalar
from murmur_trainer.domain.training import Parameters, Trigger, run_id_of

Goal = Literal["minimize", "maximize"]


class SweepState(StrEnum):
    RUNNING = "running"
    STOPPING = "stopping"
    """Cancelled: nothing more begins, and what has begun comes to its end."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best run on one choice of the data."""

    data: Parameters
    run_id: str
    value: float
    parameters: Parameters


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """ready: members that wait for the sweep's own `max_parallel`; active: those beyond it, with or without a slot."""

    sweep_id: str
    workflow: str
    revision: int
    by: str
    reason: str
    as_of: datetime
    grid: Mapping[str, tuple[Scalar, ...]]
    data: Mapping[str, tuple[Scalar, ...]]
    metric: str
    goal: Goal
    max_parallel: int
    members: int
    requested_at: datetime
    state: SweepState = SweepState.RUNNING
    ready: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    best: tuple[Best, ...] = ()
    cancelled_by: str = ""
    why: str = ""
    ended_at: datetime | None = None

    def trigger(self, number: int) -> Trigger:
        """Of its n-th member, from 1."""
        reason = f"{number} of {self.members} of sweep {self.sweep_id}"
        return Trigger(kind="manual", key=f"{self.sweep_id}/{number}", reason=reason, by=self.by)

    def has_member(self, run_id: str, key: str) -> bool:
        """Whether this run is one of those that the sweep asked for."""
        sweep, _, number = key.partition("/")
        if sweep != self.sweep_id or not number.isdecimal() or not 1 <= int(number) <= self.members:
            return False
        return run_id == run_id_of(self.workflow, self.trigger(int(number)))

    def arrived(self, run_id: str) -> Self:
        """A member may begin as soon as fewer than `max_parallel` have."""
        return replace(self, ready=(*self.ready, run_id))._filled()

    def left(self, run_id: str, *, failed: bool, best: Best | None, at: datetime) -> Self:
        """A member has ended; unchanged where it was not active. best: this run, where it may be the best."""
        if run_id not in self.active:
            return self
        ended = replace(
            self,
            active=tuple(other for other in self.active if other != run_id),
            completed=self.completed + (not failed),
            failed=self.failed + failed,
            best=self.best if best is None else self._better(best),
        )
        return ended._filled()._settled(at)

    def called_off(self, *, by: str, why: str, begun: Collection[str], at: datetime) -> Self:
        """Nothing more begins. begun: of the active members those that train already; they come to their end."""
        active = tuple(run_id for run_id in self.active if run_id in begun)
        left = self.members - self.completed - self.failed - len(active)
        stopping = replace(
            self, state=SweepState.STOPPING, ready=(), active=active, cancelled=left, cancelled_by=by, why=why
        )
        return stopping._settled(at)

    @property
    def over(self) -> bool:
        return self.state in (SweepState.COMPLETED, SweepState.CANCELLED)

    def _filled(self) -> Self:
        if self.state is not SweepState.RUNNING:
            return self
        free = max(self.max_parallel - len(self.active), 0)
        return replace(self, active=(*self.active, *self.ready[:free]), ready=self.ready[free:])

    def _settled(self, at: datetime) -> Self:
        if self.completed + self.failed + self.cancelled < self.members:
            return self
        stopped = self.state is SweepState.STOPPING
        return replace(self, state=SweepState.CANCELLED if stopped else SweepState.COMPLETED, ended_at=at)

    def _better(self, new: Best) -> tuple[Best, ...]:
        """Where two are equally good, the first to end stays: later draws must beat it."""
        if not math.isfinite(new.value):
            return self.best
        kept = next((best for best in self.best if best.data == new.data), None)
        if kept is None:
            return (*self.best, new)
        better = new.value < kept.value if self.goal == "minimize" else new.value > kept.value
        return tuple(new if best is kept and better else best for best in self.best)
