"""What a verdict means for a version: the one place where promotion is decided."""

from dataclasses import dataclass
from typing import assert_never

from murmur_registry.domain.models import Alias, RegisteredModel
from murmur_registry.domain.versions import Awaited, ModelVersion, Outcome, Verdict


@dataclass(frozen=True)
class Promote:
    """It takes the alias: staging where a person has the last word, else production."""

    alias: Alias


@dataclass(frozen=True)
class Revalidate:
    """Production moved since: the verdict compares with a version that nobody serves any more."""

    against: int | None


@dataclass(frozen=True)
class Reject:
    reason: str
    failed_checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ignore:
    """The version awaits no verdict: it has one, or its fate was decided otherwise."""


def decide(
    verdict: Verdict, version: ModelVersion, model: RegisteredModel, *, review_required: bool
) -> Promote | Revalidate | Reject | Ignore:
    """A verdict counts only while one is awaited, and only against the baseline of the present."""
    if not version.awaits(Awaited.VERDICT):
        return Ignore()
    if verdict.baseline != model.baseline:
        return Revalidate(against=model.baseline)
    match verdict.outcome:
        case Outcome.NOT_BETTER | Outcome.FAILED:
            return Reject(verdict.summary, verdict.failed_checks)
        case Outcome.BETTER | Outcome.FIRST:
            newer = model.named_by(Alias.STAGING)
            if newer is not None and newer > version.version:
                return Reject(f"v{newer} is newer and already in staging")
            return Promote(Alias.STAGING if review_required else Alias.PRODUCTION)
    assert_never(verdict.outcome)
