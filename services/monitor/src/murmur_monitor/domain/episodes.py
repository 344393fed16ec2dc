"""An episode: from the first drifted window of a deployment to the next good one; what each window does to it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

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
class Watch:
    """A deployment: which version serves, and whether it drifts.

    judged: start of the newest window that told anything about the serving version; earlier ones are history
    episode: the open one
    """

    deployment: str
    model: str
    workflow: str
    version: int
    since: datetime
    judged: datetime | None = None
    episode: str | None = None

    def serving(self, version: int, *, since: datetime) -> "Watch":
        """Another version serves now. An open episode stays open until a window of it is good."""
        return replace(self, version=version, since=since)

    def step(self, version: int, start: datetime, outcome: Outcome) -> Step:
        """What this window does. One of a version that no longer serves, or older than what is known, does nothing."""
        if version != self.version or (self.judged is not None and start < self.judged):
            return Step.NOTHING
        match outcome:
            case Outcome.DRIFT:
                return Step.OPEN if self.episode is None else Step.CONTINUE
            case Outcome.STABLE:
                return Step.NOTHING if self.episode is None else Step.CLOSE
            case Outcome.TOO_FEW_ROWS | Outcome.NOT_TESTED:
                return Step.NOTHING
            case _:
                assert_never(outcome)

    def after(self, version: int, start: datetime, outcome: Outcome, *, episode: str | None) -> "Watch":
        """With what this window told remembered, and the episode that is open now."""
        tells = version == self.version and outcome in (Outcome.DRIFT, Outcome.STABLE)
        newest = start if self.judged is None else max(self.judged, start)
        return replace(self, judged=newest if tells else self.judged, episode=episode)


class EpisodeStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Episode:
    """A time of drift, with the evidence of the window that opened it.

    correlation_id, cause: where the chain of events that it began goes on
    """

    id: str
    deployment: str
    model: str
    version: int
    workflow: str
    opened_at: datetime
    opened_until: datetime
    engine: str
    threshold: float
    tests: tuple[ColumnTest, ...]
    correlation_id: str
    cause: str | None
    windows: int = 1
    status: EpisodeStatus = EpisodeStatus.OPEN
    closed_at: datetime | None = None

    @property
    def alert(self) -> str:
        """The alert of this episode."""
        return f"drift/{self.deployment}/{self.id}"

    def continued(self) -> "Episode":
        """One more bad window."""
        return replace(self, windows=self.windows + 1)

    def closed(self, at: datetime) -> "Episode":
        return replace(self, status=EpisodeStatus.CLOSED, closed_at=at)
