"""The registry's timers: for a verdict, a review, a roll-out, a roll-back. What is late is marked and told of.

Each timer saves the document of what waits, as does the handler of the fact: of the two, the second sees the first.
"""

from datetime import datetime

import structlog

from murmur_kernel import troubles
from murmur_kernel.jobs import Job
from murmur_registry.domain.models import Alias, AliasMove, RegisteredModel
from murmur_registry.domain.reviews import ReviewStatus
from murmur_registry.repository import (
    RegistryUnitOfWork,
    ReviewDocument,
    Rollout,
    VersionDocument,
    version_id,
)

VERDICT_OVERDUE, REVIEW_OVERDUE, ROLLOUT_OVERDUE = "verdict-overdue", "review-overdue", "rollout-overdue"
ROLLBACK_OVERDUE = "rollback-overdue"

log = structlog.get_logger()


def await_verdict(version: VersionDocument, uow: RegistryUnitOfWork) -> None:
    """For the request that the version waits for now."""
    if version.waiting is not None and version.waiting.due is not None:
        uow.enqueue(
            VERDICT_OVERDUE,
            job_id=_verdict_timer(version),
            payload={"model": version.model, "version": version.version, "request": version.requests},
            due=version.waiting.due,
        )


async def verdict_came(version: VersionDocument, uow: RegistryUnitOfWork) -> None:
    """However late."""
    uow.cancel(_verdict_timer(version))
    await troubles.end(uow, _name(VERDICT_OVERDUE, version.model, version.version), "the verdict came")


async def mark_verdict_overdue(job: Job[RegistryUnitOfWork]) -> None:
    """The verdict did not come in time. Should it come yet, it counts as if it had not been late."""
    async with job.unit_of_work(completes=True) as uow:
        version = await uow.versions.require(version_id(job.payload["model"], job.payload["version"]))
        if (missed := version.missed(job.payload["request"])) is None:
            return
        uow.versions.save(missed)
        log.error("verdict overdue", model=version.model, version=version.version, run_id=version.run_id)
        await troubles.begin(
            uow,
            _name(VERDICT_OVERDUE, version.model, version.version),
            about=version.model,
            title=f"no verdict about {version.model} v{version.version}",
            detail="validation.completed is waited for: look whether the validator runs, and at its dead letters",
        )


def await_review(review: ReviewDocument, due: datetime, uow: RegistryUnitOfWork) -> None:
    """A person may take their time, and after a while is reminded."""
    payload = {"model": review.model, "version": review.version, "asked": review.requested_at.isoformat()}
    uow.enqueue(REVIEW_OVERDUE, job_id=_review_timer(review), payload=payload, due=due)


async def review_ended(review: ReviewDocument, uow: RegistryUnitOfWork) -> None:
    """Decided, superseded or outdated: nobody is waited for now. The caller saves the review."""
    uow.cancel(_review_timer(review))
    detail = f"the review is {review.status.value}"
    await troubles.end(uow, _name(REVIEW_OVERDUE, review.model, review.version), detail)


async def mark_review_overdue(job: Job[RegistryUnitOfWork]) -> None:
    async with job.unit_of_work(completes=True) as uow:
        review = await uow.reviews.require(version_id(job.payload["model"], job.payload["version"]))
        if review.status is not ReviewStatus.OPEN or review.requested_at.isoformat() != job.payload["asked"]:
            return
        uow.reviews.save(review.missed())
        await troubles.begin(
            uow,
            _name(REVIEW_OVERDUE, review.model, review.version),
            about=review.model,
            title=f"{review.model} v{review.version} still waits for a person",
            detail=f"{review.summary}: murmur approve {review.model} {review.version}, or refuse",
        )


def await_rollout(version: VersionDocument, due: datetime, uow: RegistryUnitOfWork) -> None:
    uow.rollouts.save(Rollout(model=version.model, version=version.version, promoted_at=uow.now))
    uow.enqueue(
        ROLLOUT_OVERDUE,
        job_id=_rollout_timer(version.model, version.version, uow.now),
        payload={"model": version.model, "version": version.version, "promoted": uow.now.isoformat()},
        due=due,
    )


async def rollout_ended(model: str, version: int, how: str, uow: RegistryUnitOfWork) -> None:
    rollout = await uow.rollouts.get(version_id(model, version))
    if rollout is None or rollout.ended:
        return
    uow.rollouts.save(rollout.over())
    uow.cancel(_rollout_timer(model, version, rollout.promoted_at))
    await troubles.end(uow, _name(ROLLOUT_OVERDUE, model, version), how)


async def mark_rollout_overdue(job: Job[RegistryUnitOfWork]) -> None:
    async with job.unit_of_work(completes=True) as uow:
        rollout = await uow.rollouts.require(version_id(job.payload["model"], job.payload["version"]))
        if rollout.ended or rollout.promoted_at.isoformat() != job.payload["promoted"]:
            return
        uow.rollouts.save(rollout.missed())
        await troubles.begin(
            uow,
            _name(ROLLOUT_OVERDUE, rollout.model, rollout.version),
            about=rollout.model,
            severity="critical",
            title=f"{rollout.model} v{rollout.version} is in production and does not serve",
            detail="neither model.deployed nor deployment.failed came: look whether the deployer runs",
        )


def await_rollback(model: RegisteredModel, due: datetime, uow: RegistryUnitOfWork) -> None:
    """Asked of the deployer; either it says that it was rolled back, or why not."""
    last = model.aliases[Alias.PRODUCTION]
    payload = {"model": model.key, "revision": last.revision, "version": last.version}
    uow.enqueue(ROLLBACK_OVERDUE, job_id=_rollback_timer(last), payload=payload, due=due)


async def rollback_ended(model: RegisteredModel, how: str, uow: RegistryUnitOfWork) -> None:
    """The caller saves the model."""
    if (last := model.aliases.get(Alias.PRODUCTION)) is not None:
        uow.cancel(_rollback_timer(last))
        await troubles.end(uow, f"{ROLLBACK_OVERDUE}/{model.key}", how)


async def mark_rollback_overdue(job: Job[RegistryUnitOfWork]) -> None:
    async with job.unit_of_work(completes=True) as uow:
        model = await uow.models.require(job.payload["model"])
        last = model.aliases[Alias.PRODUCTION]
        if last.revision != job.payload["revision"]:
            return
        uow.models.save(model)
        await troubles.begin(
            uow,
            f"{ROLLBACK_OVERDUE}/{model.key}",
            about=model.key,
            severity="critical",
            title=f"{model.key} v{last.version} was to be rolled back and still is in production",
            detail="neither deployment.rolled_back nor deployment.failed came: look whether the deployer runs",
        )


def _rollback_timer(last: AliasMove) -> str:
    return f"{ROLLBACK_OVERDUE}/{last.model}/{last.revision}"


def _name(kind: str, model: str, version: int) -> str:
    return f"{kind}/{version_id(model, version)}"


def _verdict_timer(version: VersionDocument) -> str:
    return f"{_name(VERDICT_OVERDUE, version.model, version.version)}/{version.requests}"


def _review_timer(review: ReviewDocument) -> str:
    return f"{_name(REVIEW_OVERDUE, review.model, review.version)}/{review.requested_at.isoformat()}"


def _rollout_timer(model: str, version: int, promoted_at: datetime) -> str:
    return f"{_name(ROLLOUT_OVERDUE, model, version)}/{promoted_at.isoformat()}"
