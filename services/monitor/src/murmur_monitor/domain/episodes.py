"""An episode: from the first bad window of a deployment to the next good one; what each window does to it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self, assert_never

from murmur_monitor.domain.drift import ColumnTest


class Outcome(StrEnum):
    DRIFT = "drift"
    """At least one column differs from the reference."""
    STABLE = "stable"
    """Compared, and none does."""
    TOO_FEW_ROWS = "too_few_rows"
    """Measured, not tested."""
    NOT_TESTED = "not_tested"
    """Could not be compared; the detail says why."""

    @property
    def bad(self) -> bool | None:
        """None where it says nothing."""
        match self:
            case Outcome.DRIFT:
                return True
            case Outcome.STABLE:
                return False
            case Outcome.TOO_FEW_ROWS | Outcome.NOT_TESTED:
                return None
            case _:
                assert_never(self)


class Step(StrEnum):
    OPEN = "open"
    """The first bad window."""
    CONTINUE = "continue"
    """Another bad window of the same episode."""
    CLOSE = "close"
    """The first good window after bad ones."""
    NOTHING = "nothing"
    """Says nothing about the present, or nothing new."""


@dataclass(frozen=True)
class Standing:
    """Where a deployment stands with one kind of episode.

    judged: start of the newest window that told anything about the serving version; earlier ones are history
    episode: the open one
    """

    judged: datetime | None = None
    episode: str | None = None

    def step(self, start: datetime, bad: bool | None) -> Step:
        """What a window of the serving version does; None says nothing."""
        if bad is None or (self.judged is not None and start < self.judged):
            return Step.NOTHING
        if bad:
            return Step.OPEN if self.episode is None else Step.CONTINUE
        return Step.NOTHING if self.episode is None else Step.CLOSE

    def after(self, start: datetime, bad: bool | None, *, episode: str | None) -> "Standing":
        newest = start if self.judged is None else max(self.judged, start)
        return Standing(self.judged if bad is None else newest, episode)


@dataclass(frozen=True)
class Watch:
    """A deployment: which version serves, and where it stands with drift and with quality."""

    deployment: str
    model: str
    workflow: str
    version: int
    since: datetime
    drift: Standing = Standing()
    quality: Standing = Standing()

    def serving(self, version: int, *, since: datetime) -> "Watch":
        """Another version serves now. An open episode stays open until a window of it is good."""
        return replace(self, version=version, since=since)


class EpisodeStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Episode(ABC):
    """From the first bad window of a deployment to the next good one.

    correlation_id, cause: where the chain of events that it began goes on
    """

    id: str
    deployment: str
    model: str
    version: int
    workflow: str
    opened_at: datetime
    correlation_id: str
    cause: str | None
    windows: int = 1
    status: EpisodeStatus = EpisodeStatus.OPEN
    closed_at: datetime | None = None

    @property
    @abstractmethod
    def alert(self) -> str:
        """The alert of this episode."""

    def continued(self) -> Self:
        """One more bad window."""
        return replace(self, windows=self.windows + 1)

    def closed(self, at: datetime) -> Self:
        return replace(self, status=EpisodeStatus.CLOSED, closed_at=at)


@dataclass(frozen=True, kw_only=True)
class Drift(Episode):
    """A time of drift, with the evidence of the window that opened it."""

    opened_until: datetime
    engine: str
    threshold: float
    tests: tuple[ColumnTest, ...]

    @property
    def alert(self) -> str:
        return f"drift/{self.deployment}/{self.id}"
