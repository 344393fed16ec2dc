"""One version of a model, and where in its life it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self


class VersionStatus(StrEnum):
    CANDIDATE = "candidate"
    """Registered; its verdict is awaited, or the end of a freeze."""
    STAGING = "staging"
    """Judged good; a review is open, or it is being judged again because production moved."""
    PRODUCTION = "production"
    ARCHIVED = "archived"
    """Gave up its alias to another version."""
    REJECTED = "rejected"
    """Failed, was no better, or was refused by a person."""


class Awaited(StrEnum):
    VERDICT = "validation.completed"
    REVIEW = "review.decided"
    UNFREEZING = "automation.unfrozen"


class Outcome(StrEnum):
    BETTER = "better"
    FIRST = "first"
    NOT_BETTER = "not_better"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the validator said, and against whom."""

    outcome: Outcome
    baseline: int | None
    summary: str
    failed_checks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """For which fact a version waits. A missed date is marked; the fact still counts when it comes late."""

    fact: Awaited
    since: datetime
    due: datetime | None = None
    overdue: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """A numbered version: a workflow's candidate, or what a client made (`workflow` None), which nobody validates.

    model:    key of its model
    requests: how often a verdict was asked for
    stage:    of a client's version; that of a workflow's follows from its status
    source:   where its files are, as its maker said it; `storage` where that leads to, if it named another version
    """

    model: str
    version: int
    workflow: str | None = None
    revision: int | None = None
    run_id: str | None = None
    created_at: datetime
    status: VersionStatus = VersionStatus.CANDIDATE
    requests: int = 0
    waiting: Waiting | None = None
    verdict: Verdict | None = None
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    stage: str = "None"
    source: str | None = None
    storage: str | None = None
    run_link: str | None = None
    logged_model: str | None = None
    user: str | None = None
    updated_at: datetime | None = None
    deleted: bool = False

    def awaits(self, fact: Awaited) -> bool:
        return self.waiting is not None and self.waiting.fact is fact

    @property
    def touched_at(self) -> datetime:
        """When anything of it was last changed."""
        return self.updated_at or self.created_at

    def to_be_judged(self, *, since: datetime, due: datetime) -> Self:
        """Asked for (again): the next verdict is waited for."""
        return replace(self, requests=self.requests + 1, waiting=Waiting(fact=Awaited.VERDICT, since=since, due=due))

    def to_be_reviewed(self, *, since: datetime) -> Self:
        """A person is asked."""
        waiting = Waiting(fact=Awaited.REVIEW, since=since)
        return replace(self, status=VersionStatus.STAGING, waiting=waiting, updated_at=since)

    def held(self, *, since: datetime) -> Self:
        """Judged good while promotion is frozen."""
        return replace(self, waiting=Waiting(fact=Awaited.UNFREEZING, since=since))

    def released(self) -> Self:
        """The freeze has ended: the verdict that it has is awaited as if it came now."""
        assert self.waiting is not None, "only what waits is released"
        return replace(self, waiting=replace(self.waiting, fact=Awaited.VERDICT))

    def with_verdict(self, verdict: Verdict) -> Self:
        return replace(self, verdict=verdict)

    def ended_as(self, status: VersionStatus, *, at: datetime) -> Self:
        """Nothing more is waited for."""
        return replace(self, status=status, waiting=None, updated_at=at)

    def missed(self, request: int) -> Self | None:
        """Marked as overdue, if the verdict of just this request is still waited for."""
        if self.waiting is None or self.waiting.fact is not Awaited.VERDICT or self.requests != request:
            return None
        return replace(self, waiting=replace(self.waiting, overdue=True))
