"""A workflow as the trainer decides about it: its newest revision, its schedule, when it retrains by itself."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from murmur_trainer.domain.schedule import Schedule
from murmur_trainer.domain.training import Monitored

Retrain = Literal["on_drift", "on_degradation", "on_either", "never"]


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """next_tick is the tick that the timer of this revision waits for: None without a schedule."""

    name: str
    revision: int
    cron: str | None
    retrain: Retrain
    cooldown: timedelta
    applied_at: datetime
    next_tick: datetime | None = None

    @property
    def schedule(self) -> Schedule | None:
        return Schedule(self.cron) if self.cron is not None else None

    def retrains_on(self, found: Monitored) -> bool:
        return self.retrain in (f"on_{found}", "on_either")

    def timed(self, next_tick: datetime | None) -> "Workflow":
        return replace(self, next_tick=next_tick)


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """What a timer that fires does: one tick to train for, and the next to wait for."""

    due: datetime
    next: datetime


def first_tick(cron: str | None, *, before: Workflow | None, now: datetime) -> datetime | None:
    """The tick that a new revision waits for.

    A revision that keeps its schedule keeps the tick that is waited for, even a missed one that has yet to fire.
    """
    if cron is None:
        return None
    if before is not None and before.cron == cron and before.next_tick is not None:
        return before.next_tick
    return Schedule(cron).next_after(now)


def fire(schedule: Schedule, *, tick: datetime, now: datetime) -> Ticks:
    """Of the ticks missed since `tick`, the latest is the one to train for: it sees the data of the others too."""
    return Ticks(due=max(tick, schedule.last_until(now)), next=schedule.next_after(max(tick, now)))
