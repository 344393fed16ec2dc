"""The one command that people give the registry: their decision about the version in staging."""

from dataclasses import dataclass

from murmur_events.models import ReviewDecided
from murmur_registry import aliases, jobs
from murmur_registry.domain import reviews
from murmur_registry.domain.because import Because
from murmur_registry.domain.models import Via
from murmur_registry.domain.reviews import Approve, Decision, JudgeAgain, Refuse, ReviewNotOpen
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.handlers import Handlers, reject
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, version_id
from murmur_registry.schemas import ReviewView, review_view


@dataclass(frozen=True)
class DecideReview:
    model: str
    version: int
    decision: Decision
    by: str
    reason: str
    via: Via = Via.REST


@dataclass(frozen=True)
class Reviews:
    """Decisions continue the chain in which the review was asked for, however long ago that was."""

    handlers: Handlers

    async def decide(self, command: DecideReview, uow: RegistryUnitOfWork) -> ReviewView:
        """Raises Missing (no such version) and ReviewNotOpen.

        The answer's status is `outdated` when production moved since the verdict: then nothing was approved and a new
        verdict was asked for, which must be committed, so that it is an answer and no error.
        """
        id_ = version_id(command.model, command.version)
        version = await uow.versions.require(id_)
        model = await uow.models.require(command.model)
        review = await uow.reviews.get(id_)
        if review is None:
            raise ReviewNotOpen(command.model, command.version, _never_open(version))
        decision = reviews.decide(review, command.decision, model)
        uow.resume(review.chain)
        if isinstance(decision, JudgeAgain):
            review = review.outdated()
            uow.reviews.save(review)
            await jobs.review_ended(review, uow)
            await self.handlers.request_validation(version, model.baseline, uow)
            return review_view(review)
        review = review.decided(command.decision, by=command.by, reason=command.reason, at=uow.now)
        uow.reviews.save(review)
        await jobs.review_ended(review, uow)
        uow.publish(
            ReviewDecided(
                model=version.candidate.model,
                version=version.version,
                decision=command.decision.value,
                by=command.by,
                reason=command.reason,
            )
        )
        because = Because(command.by, command.reason, command.via)
        match decision:
            case Approve():
                serves_by = self.handlers.serves_by(uow)
                await aliases.to_production(version, model, because, uow, serves_by=serves_by)
            case Refuse():
                await reject(version, model, because, uow)
        return review_view(review)


def _never_open(version: VersionDocument) -> str:
    if version.status is VersionStatus.CANDIDATE:
        return "its verdict is still awaited; decide when staging names it"
    why = f" ({version.verdict.summary})" if version.verdict else ""
    return f"it is {version.status} and nobody was asked{why}"
