"""What stands now: workflows, model versions, deployments, freezes and alerts."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from murmur_console.domain.history import History


class Status(StrEnum):
    """Where a version is in its life, in that order."""

    CANDIDATE = "candidate"
    JUDGED = "judged"
    STAGING = "staging"
    ARCHIVED = "archived"
    PRODUCTION = "production"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True)
class ServingTerms:
    """How a workflow has its versions served and watched, as far as people ask for it while they look.

    most_replicas: None where their number does not follow the load
    min_rows, step_seconds, deadline_seconds: what a step of a canary waits for
    metric: that labels are judged by
    """

    replicas: int
    most_replicas: int | None
    min_rows: int
    step_seconds: float
    shadow_seconds: float | None
    deadline_seconds: float
    metric: str


@dataclass(frozen=True, kw_only=True)
class Workflow:
    name: str
    revision: int
    description: str
    schedule: str | None
    applied: datetime
    serving: ServingTerms


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
    deployments: dict[str, History] = field(default_factory=dict)

    freezes: dict[str, Freeze] = field(default_factory=dict)
    freezes_revision: int = 0
    alerts: dict[str, Alert] = field(default_factory=dict)

    def history(self, deployment: str) -> History:
        """Its history, which begins now if nothing was told of it before."""
        return self.deployments.setdefault(deployment, History(deployment))

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
