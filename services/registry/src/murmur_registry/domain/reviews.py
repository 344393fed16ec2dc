"""A person's last word about a version in staging.

Errors
------
ReviewNotPossible
├── ReviewNotOpen   nobody is asked about this version now: decided, superseded, or being judged again
└── BaselineMoved   production moved since the verdict; a new verdict was asked for, nothing was approved
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self, assert_never

from murmur_registry.domain.models import RegisteredModel


class ReviewStatus(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    """Another version took its place before anybody decided."""
    OUTDATED = "outdated"
    """Production moved before anybody decided; it opens again if the new verdict is good."""


class Decision(StrEnum):
    APPROVED = "approved"
    REFUSED = "refused"


class ReviewNotPossible(Exception):
    """A decision that cannot be taken; nothing is changed by it."""


class ReviewNotOpen(ReviewNotPossible):
    def __init__(self, model: str, version: int, why: str) -> None:
        super().__init__(f"version {version} of {model!r} has no open review: {why}")


class BaselineMoved(ReviewNotPossible):
    def __init__(self, model: str, version: int, baseline: int | None) -> None:
        was = f"v{baseline}" if baseline else "no version"
        super().__init__(
            f"version {version} of {model!r} was judged against {was}, which is not in production any more: it is being"
            f" judged again, decide when its review opens anew"
        )


@dataclass(frozen=True, kw_only=True)
class Review:
    """What a person is asked about one version, and what they said."""

    model: str
    version: int
    baseline: int | None
    summary: str
    requested_at: datetime
    status: ReviewStatus = ReviewStatus.OPEN
    decided_at: datetime | None = None
    by: str | None = None
    reason: str | None = None
    superseded_by: int | None = None
    overdue: bool = False

    def decided(self, decision: Decision, *, by: str, reason: str, at: datetime) -> Self:
        return replace(self, status=ReviewStatus(decision.value), by=by, reason=reason, decided_at=at)

    def superseded(self, by: int) -> Self:
        """By another version. A review that is over already stays as it is."""
        if self.status not in (ReviewStatus.OPEN, ReviewStatus.OUTDATED):
            return self
        return replace(self, status=ReviewStatus.SUPERSEDED, superseded_by=by)

    def missed(self) -> Self:
        """Nobody has decided in time; they still may."""
        return replace(self, overdue=True)

    def outdated(self) -> Self:
        return replace(self, status=ReviewStatus.OUTDATED)


@dataclass(frozen=True)
class Approve:
    """The version goes to production."""


@dataclass(frozen=True)
class Refuse:
    """The version is rejected and staging is left empty."""


@dataclass(frozen=True)
class JudgeAgain:
    """Compare-and-swap failed: production is not what the verdict named."""


def decide(review: Review, decision: Decision, model: RegisteredModel) -> Approve | Refuse | JudgeAgain:
    """Raises ReviewNotOpen."""
    if (why := _closed_because(review)) is not None:
        raise ReviewNotOpen(review.model, review.version, why)
    match decision:
        case Decision.REFUSED:
            return Refuse()
        case Decision.APPROVED:
            return Approve() if review.baseline == model.baseline else JudgeAgain()
    assert_never(decision)


def _closed_because(review: Review) -> str | None:
    match review.status:
        case ReviewStatus.OPEN:
            return None
        case ReviewStatus.APPROVED | ReviewStatus.REFUSED:
            return f"{review.by} {review.status} it already ({review.reason}); a new training makes a new version"
        case ReviewStatus.SUPERSEDED:
            return f"v{review.superseded_by} took its place; decide about that one"
        case ReviewStatus.OUTDATED:
            return "production moved and it is being judged again; decide when its review opens anew"
    assert_never(review.status)
