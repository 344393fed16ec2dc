"""A window that has closed, with its numbers and what was found in it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from murmur_monitor.domain.drift import ColumnTest
from murmur_monitor.domain.episodes import Outcome
from murmur_monitor.domain.folding import Fold
from murmur_monitor.domain.looks import Looks
from murmur_monitor.domain.quality import Quality
from murmur_monitor.domain.windows import Window


@dataclass(frozen=True)
class Statistics:
    """The numbers of a window. rate: predictions a second; latencies in ms, right to 2.5 %."""

    rows: int
    errors: int
    rate: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    output_mean: float | None

    @property
    def answered(self) -> int:
        return self.rows - self.errors


@dataclass(frozen=True)
class Compared:
    """The window was compared with the reference, by this engine, at this error rate a window."""

    engine: str
    error_rate: float
    tests: tuple[ColumnTest, ...]


@dataclass(frozen=True)
class TooFewRows:
    rows: int
    needed: int


@dataclass(frozen=True)
class NotCompared:
    """Could not be compared, and why."""

    reason: str


Comparison = Compared | TooFewRows | NotCompared


@dataclass(frozen=True)
class MeasuredWindow:
    """What is known of one window; a higher revision has seen more rows or more labels.

    engine, threshold, tests: empty, 0 and empty where the window was not tested
    episode: the one that this window opened, continued or closed
    degradation: the same, of quality
    looks: how often its labels have judged it
    """

    deployment: str
    model: str
    version: int
    start: datetime
    end: datetime
    revision: int
    statistics: Statistics
    outcome: Outcome
    detail: str
    engine: str
    threshold: float
    tests: tuple[ColumnTest, ...]
    episode: str | None
    quality: Quality = field(default_factory=Quality.unknown)
    quality_detail: str = ""
    degradation: str | None = None
    looks: Looks = field(default_factory=Looks)

    def after(self, before: "MeasuredWindow") -> "MeasuredWindow":
        """With what is kept of the former revision when late rows come: what labels told, and its episodes."""
        return replace(
            self,
            episode=before.episode,
            quality=before.quality,
            quality_detail=before.quality_detail,
            degradation=before.degradation,
            looks=before.looks,
        )

    @property
    def id(self) -> str:
        return window_id(self.deployment, self.version, self.start)


def window_id(deployment: str, version: int, start: datetime) -> str:
    return f"{deployment}/{version}/{start.isoformat()}"


def statistics_of(fold: Fold, window: Window) -> Statistics:
    return Statistics(
        rows=fold.rows,
        errors=fold.errors,
        rate=fold.rows / window.seconds,
        latency_p50_ms=fold.latency_ms(0.5),
        latency_p99_ms=fold.latency_ms(0.99),
        output_mean=fold.output_mean,
    )
