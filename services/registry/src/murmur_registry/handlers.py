"""What the registry does when something happened: load, decide, save, publish."""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from murmur_events.models import ModelRegistered, ModelRejected, ReviewRequested, VersionState
from murmur_events.runs import RunCompleted
from murmur_events.validation import ValidationCompleted, ValidationRequested
from murmur_events.values import Artifact
from murmur_events.workflows import WorkflowApplied
from murmur_registry import aliases, jobs
from murmur_registry.aliases import THE_REGISTRY, Because
from murmur_registry.domain import promotion
from murmur_registry.domain.models import Alias, RegisteredModel
from murmur_registry.domain.promotion import Ignore, Promote, Reject, Revalidate
from murmur_registry.domain.versions import Outcome, Verdict, VersionStatus
from murmur_registry.repository import (
    PromotionRules,
    RegistryUnitOfWork,
    ReviewDocument,
    VersionDocument,
    rules_id,
    version_id,
)

log = structlog.get_logger()


async def remember_promotion_rules(event: WorkflowApplied, uow: RegistryUnitOfWork) -> None:
    uow.rules.save(
        PromotionRules(workflow=event.workflow, revision=event.revision, review=event.definition.promotion.review)
    )


@dataclass(frozen=True)
class Handlers:
    """verdict_due: how long a verdict may take before it is overdue."""

    verdict_due: timedelta

    async def register_version(self, event: RunCompleted, uow: RegistryUnitOfWork) -> None:
        """A model has the name of its workflow; a run becomes one version, however often it is reported."""
        if event.model is None:
            log.info("run made no model", run_id=event.run_id)
            return
        if await uow.version_of_run(event.run_id) is not None:
            return
        model = await uow.models.get(event.workflow) or RegisteredModel(
            name=event.workflow, workflow=event.workflow, versions=0, created_at=uow.now, updated_at=uow.now
        )
        model = model.numbered(uow.now)
        state = VersionState(
            model=model.name,
            version=model.versions,
            workflow=event.workflow,
            revision=event.revision,
            run_id=event.run_id,
            artifacts=event.model,
            metrics=event.metrics,
        )
        version = VersionDocument(
            model=model.name,
            version=model.versions,
            workflow=event.workflow,
            revision=event.revision,
            run_id=event.run_id,
            created_at=uow.now,
            state=state,
        )
        uow.models.save(model)
        uow.publish(ModelRegistered(model=model.name, version=version.version, state=state))
        self.await_verdict(version, uow)

    async def judge_version(self, event: ValidationCompleted, uow: RegistryUnitOfWork) -> None:
        """Raises ValueError for a verdict of a kind that is not known here: a dead letter, never a guess."""
        verdict = _verdict_of(event)
        model = await uow.models.require(event.model)
        version = await uow.versions.require(version_id(event.model, event.version))
        judged = replace(version, verdict=verdict, report=event.report)
        rules = await uow.rules.require(rules_id(version.workflow, version.revision))
        decision = promotion.decide(verdict, version, model, review_required=rules.review == "required")
        match decision:
            case Ignore():
                log.info("verdict not awaited", version=version.version, status=version.status)
            case Revalidate(against):
                await self.request_validation(version, against, uow)
            case Reject(reason, failed_checks):
                jobs.cancel_deadline(version, uow)
                await reject(judged, model, Because(THE_REGISTRY, reason), uow, failed_checks=failed_checks)
            case Promote(Alias.STAGING):
                jobs.cancel_deadline(version, uow)
                await aliases.to_staging(judged, model, Because(THE_REGISTRY, verdict.summary), uow)
                request_review(judged, verdict, event.report, uow)
            case Promote(Alias.PRODUCTION):
                jobs.cancel_deadline(version, uow)
                await aliases.to_production(judged, model, Because(THE_REGISTRY, verdict.summary), uow)

    async def request_validation(self, version: VersionDocument, against: int | None, uow: RegistryUnitOfWork) -> None:
        """Ask for a verdict against the present baseline."""
        baseline = await uow.versions.require(version_id(version.model, against)) if against else None
        jobs.cancel_deadline(version, uow)
        uow.publish(
            ValidationRequested(
                model=version.state.model,
                version=version.version,
                candidate=version.state,
                baseline=baseline.state if baseline else None,
            )
        )
        self.await_verdict(version, uow)

    def await_verdict(self, version: VersionDocument, uow: RegistryUnitOfWork) -> None:
        """Save the version as one whose verdict is waited for, with a deadline."""
        waiting = version.to_be_judged(since=uow.now, due=uow.now + self.verdict_due)
        uow.versions.save(waiting)
        jobs.set_deadline(waiting, uow)


def request_review(version: VersionDocument, verdict: Verdict, report: Artifact, uow: RegistryUnitOfWork) -> None:
    """Ask a person; their decision will continue the chain from here."""
    chain = uow.publish(
        ReviewRequested(
            model=version.state.model,
            version=version.version,
            baseline=verdict.baseline,
            summary=verdict.summary,
            report=report,
        )
    )
    uow.versions.save(version.to_be_reviewed(since=uow.now))
    uow.reviews.save(
        ReviewDocument(
            model=version.model,
            version=version.version,
            baseline=verdict.baseline,
            summary=verdict.summary,
            requested_at=uow.now,
            report=report,
            chain=chain,
        )
    )


async def reject(
    version: VersionDocument,
    model: RegisteredModel,
    because: Because,
    uow: RegistryUnitOfWork,
    *,
    failed_checks: tuple[str, ...] = (),
) -> None:
    """It will not serve. If staging named it, staging names nobody now."""
    uow.versions.save(version.ended_as(VersionStatus.REJECTED))
    uow.publish(
        ModelRejected(
            model=version.state.model,
            version=version.version,
            by=because.by,
            reason=because.reason,
            failed_checks=failed_checks,
        )
    )
    if model.named_by(Alias.STAGING) == version.version:
        await aliases.empty_staging(version.model, because, uow)


def _verdict_of(event: ValidationCompleted) -> Verdict:
    return Verdict(
        outcome=Outcome(event.verdict),
        baseline=event.baseline,
        summary=event.summary,
        failed_checks=tuple(check.name for check in event.checks if not check.passed),
    )
