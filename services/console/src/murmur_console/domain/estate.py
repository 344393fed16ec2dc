"""What stands now: workflows, model versions, deployments and their measured windows."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

KEPT_WINDOWS = 240


class Status(StrEnum):
    """Where a version is in its life, in that order."""

    CANDIDATE = "candidate"
    JUDGED = "judged"
    STAGING = "staging"
    ARCHIVED = "archived"
    PRODUCTION = "production"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True)
class Workflow:
    name: str
    revision: int
    description: str
    schedule: str | None
    applied: datetime


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a model. `why` is the last word about it: the verdict, or who decided and the reason."""

    model: str
    number: int
    workflow: str
    run: str
    status: Status
    status_since: datetime
    metrics: dict[str, float]
    registered: datetime
    chain: str
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What serves; `trouble` says why the newest attempt to change that failed."""

    name: str
    model: str
    version: int
    endpoint: str
    since: datetime
    chain: str
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """The numbers of one window, its newest revision."""

    start: datetime
    end: datetime
    revision: int
    version: int
    rows: int
    errors: int
    rate: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    output_mean: float | None
    outcome: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One drifted window's finding: the columns in order of how sure it is."""

    at: datetime
    start: datetime
    end: datetime
    version: int
    features: tuple[str, ...]
    engine: str
    chain: str


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """One scope, frozen or free again, as of its change number `revision`."""

    scope: str
    what: str
    workflow: str | None
    active: bool
    revision: int
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What wants attention, or wanted it; `chain` is where it was told."""

    id: str
    about: str
    service: str
    severity: str
    title: str
    detail: str
    at: datetime
    chain: str
    raised: bool = True


@dataclass
class Estate:
    """All that stands, by name. Only `murmur_console.standing` changes it."""

    workflows: dict[str, Workflow] = field(default_factory=dict)
    versions: dict[tuple[str, int], Version] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    windows: dict[str, deque[Window]] = field(default_factory=dict)
    drifts: dict[str, deque[Drift]] = field(default_factory=dict)
    rollouts: dict[str, deque[tuple[datetime, int]]] = field(default_factory=dict)

    freezes: dict[str, Freeze] = field(default_factory=dict)
    freezes_revision: int = 0
    alerts: dict[str, Alert] = field(default_factory=dict)

    def frozen(self, workflow: str | None = None) -> list[Freeze]:
        """The freezes in force, of all or those that hold one workflow."""
        active = [freeze for freeze in self.freezes.values() if freeze.active]
        return sorted(
            (one for one in active if workflow is None or one.workflow in (None, workflow)), key=lambda one: one.scope
        )

    def raised(self) -> list[Alert]:
        """Newest first."""
        return sorted((alert for alert in self.alerts.values() if alert.raised), key=lambda one: one.at, reverse=True)

    def versions_of(self, workflow: str) -> list[Version]:
        """Newest first."""
        found = [version for version in self.versions.values() if version.workflow == workflow]
        return sorted(found, key=lambda version: version.number, reverse=True)

    def holder(self, workflow: str, status: Status) -> Version | None:
        """The newest version that has this status."""
        return next((version for version in self.versions_of(workflow) if version.status is status), None)

    def measure(self, deployment: str, window: Window) -> None:
        """Keeps windows by start, a higher revision in place of a lower one, however late it comes."""
        kept = self.windows.setdefault(deployment, deque(maxlen=KEPT_WINDOWS))
        same = next((index for index, old in enumerate(kept) if old.start == window.start), None)
        if same is None:
            ordered = sorted([*kept, window], key=lambda one: one.start)
            kept.clear()
            kept.extend(ordered)
        elif kept[same].revision < window.revision:
            kept[same] = window
