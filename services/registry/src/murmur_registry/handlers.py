"""What the registry does when something happened: load, decide, save, publish."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from murmur_events.deployments import CanaryStarted, DeploymentFailed, DeploymentRolledBack, ModelDeployed
from murmur_events.models import ModelRegistered, ModelRejected, ReviewRequested, VersionState
from murmur_events.runs import RunCompleted
from murmur_events.validation import ValidationCompleted, ValidationRequested
from murmur_events.workflows import WorkflowApplied
from murmur_registry import aliases, freezing, jobs
from murmur_registry.domain import promotion
from murmur_registry.domain.because import THE_REGISTRY, Because
from murmur_registry.domain.memory import What
from murmur_registry.domain.models import Alias, RegisteredModel
from murmur_registry.domain.promotion import Ignore, Promote, Reject, Revalidate
from murmur_registry.domain.versions import Outcome, Verdict, VersionStatus
from murmur_registry.remembering import remember, remember_status
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
    """How long a verdict, a person's decision, and a roll-out may take before they are overdue."""

    verdict_due: timedelta
    review_due: timedelta = timedelta(days=3)
    rollout_due: timedelta = timedelta(minutes=15)

    async def register_version(self, event: RunCompleted, uow: RegistryUnitOfWork) -> None:
        """A model has the name of its workflow; a run becomes one version, however often it is reported.

        A run that repeats another becomes none: its model is evidence about the first, and no candidate.
        """
        if event.reproduction is not None:
            log.info("run repeats another", run_id=event.run_id, of=event.reproduction.of)
            return
        if event.model is None or event.research or event.workflow is None or event.revision is None:
            log.info("run makes no version", run_id=event.run_id, research=event.research)
            return
        if await uow.version_of_run(event.run_id) is not None:
            return
        model = (await self._model_of(event.workflow, uow)).numbered(uow.now)
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
            source=event.model.model.uri,
            state=state,
        )
        remember(
            uow,
            Because(THE_REGISTRY, f"run {event.run_id} made it"),
            model.key,
            What.MADE,
            version=version.version,
            facts={"source": event.model.model.uri, "run_id": event.run_id, "status": version.status.value},
        )
        uow.models.save(model)
        uow.publish(ModelRegistered(model=model.name, version=version.version, state=state))
        self.await_verdict(version, uow)

    @staticmethod
    async def _model_of(workflow: str, uow: RegistryUnitOfWork) -> RegisteredModel:
        """The workflow's model; one that a client has made under that name becomes it."""
        known = await uow.models.get(workflow)
        if known is not None and not known.deleted:
            return known if known.workflow == workflow else replace(known, workflow=workflow)
        remember(uow, Because(THE_REGISTRY, f"the workflow {workflow} made its first version"), workflow, What.MADE)
        return RegisteredModel(name=workflow, workflow=workflow, versions=0, created_at=uow.now, updated_at=uow.now)

    async def judge_version(self, event: ValidationCompleted, uow: RegistryUnitOfWork) -> None:
        """Raises ValueError for a verdict of a kind that is not known here: a dead letter, never a guess."""
        await uow.models.require(event.model)
        version = await uow.versions.require(version_id(event.model, event.version))
        await self.decide(_verdict_of(event), replace(version, report=event.report), uow)

    async def decide(self, verdict: Verdict, version: VersionDocument, uow: RegistryUnitOfWork) -> None:
        """What a verdict, new or kept through a freeze, means now."""
        model = await uow.models.require(version.model)
        judged = replace(version, verdict=verdict)
        rules = await uow.rules.require(rules_id(version.workflow, version.revision))
        decision = promotion.decide(verdict, version, model, review_required=rules.review == "required")
        if isinstance(decision, Ignore):
            log.info("verdict not awaited", version=version.version, status=version.status)
            return
        await jobs.verdict_came(version, uow)
        match decision:
            case Revalidate(against):
                await self.request_validation(version, against, uow)
            case Reject(reason, failed_checks):
                await reject(judged, model, Because(THE_REGISTRY, reason), uow, failed_checks=failed_checks)
            case Promote(alias):
                freeze = await freezing.freeze_of(version.candidate.workflow, uow)
                if freeze is not None:
                    freezing.hold(judged, freeze, alias, uow)
                else:
                    await self._promote(judged, verdict, alias, model, uow)

    async def _promote(
        self, version: VersionDocument, verdict: Verdict, alias: Alias, model: RegisteredModel, uow: RegistryUnitOfWork
    ) -> None:
        because = Because(THE_REGISTRY, verdict.summary)
        match alias:
            case Alias.STAGING:
                await aliases.to_staging(version, model, because, uow)
                remember_status(version, VersionStatus.STAGING, because, uow)
                self.request_review(version, verdict, uow)
            case Alias.PRODUCTION:
                await aliases.to_production(version, model, because, uow, serves_by=self.serves_by(uow))

    def serves_by(self, uow: RegistryUnitOfWork) -> datetime:
        """When what is promoted now should serve."""
        return uow.now + self.rollout_due

    async def request_validation(self, version: VersionDocument, against: int | None, uow: RegistryUnitOfWork) -> None:
        """Ask for a verdict against the present baseline."""
        baseline = await uow.versions.require(version_id(version.model, against)) if against else None
        await jobs.verdict_came(version, uow)
        uow.publish(
            ValidationRequested(
                model=version.candidate.model,
                version=version.version,
                candidate=version.candidate,
                baseline=baseline.candidate if baseline else None,
            )
        )
        self.await_verdict(version, uow)

    def await_verdict(self, version: VersionDocument, uow: RegistryUnitOfWork) -> None:
        """Save the version as one whose verdict is waited for, with a deadline."""
        waiting = version.to_be_judged(since=uow.now, due=uow.now + self.verdict_due)
        uow.versions.save(waiting)
        jobs.await_verdict(waiting, uow)

    def request_review(self, version: VersionDocument, verdict: Verdict, uow: RegistryUnitOfWork) -> None:
        """Ask a person; their decision will continue the chain from here."""
        assert version.report is not None, "whoever has a verdict has a report"
        chain = uow.publish(
            ReviewRequested(
                model=version.candidate.model,
                version=version.version,
                baseline=verdict.baseline,
                summary=verdict.summary,
                report=version.report,
            )
        )
        uow.versions.save(version.to_be_reviewed(since=uow.now))
        review = ReviewDocument(
            model=version.model,
            version=version.version,
            baseline=verdict.baseline,
            summary=verdict.summary,
            requested_at=uow.now,
            report=version.report,
            chain=chain,
        )
        uow.reviews.save(review)
        jobs.await_review(review, uow.now + self.review_due, uow)

    async def end_rollout(
        self, event: ModelDeployed | DeploymentFailed | CanaryStarted, uow: RegistryUnitOfWork
    ) -> None:
        """The deployer has said what became of a promotion. A canary takes its time; the deployer tells if it hangs."""
        match event:
            case ModelDeployed():
                how = "it serves"
            case CanaryStarted():
                how = "it answers a share of the requests"
            case DeploymentFailed():
                how = f"it does not serve: {event.cause}"
        await jobs.rollout_ended(event.model, event.version, how, uow)
        if isinstance(event, DeploymentFailed) and (model := await uow.models.get(event.model)) is not None:
            await jobs.rollback_ended(model, how, uow)
            uow.models.save(model)

    async def take_alias_back(self, event: DeploymentRolledBack, uow: RegistryUnitOfWork) -> None:
        """Production names what serves. A promotion that the deployer did not know of yet stands.

        What was rolled back need not be what production names: the newest promotion may have failed to serve.
        """
        await jobs.rollout_ended(event.model, event.version, f"it was rolled back: {event.reason}", uow)
        model = await uow.models.require(event.model)
        await jobs.rollback_ended(model, "it was rolled back", uow)
        last = model.aliases.get(Alias.PRODUCTION)
        if last is None or last.revision != event.alias_revision:
            uow.models.save(model)
            log.info("alias has moved since", model=event.model, rolled_back=event.version)
            return
        version = await uow.versions.require(version_id(event.model, event.serving))
        because = Because(event.by, f"v{event.version} was rolled back ({event.cause}): {event.reason}")
        await aliases.back_to_production(version, model, because, uow, serves_by=self.serves_by(uow))


async def reject(
    version: VersionDocument,
    model: RegisteredModel,
    because: Because,
    uow: RegistryUnitOfWork,
    *,
    failed_checks: tuple[str, ...] = (),
) -> None:
    """It will not serve. If staging named it, staging names nobody now."""
    remember_status(version, VersionStatus.REJECTED, because, uow)
    uow.versions.save(version.ended_as(VersionStatus.REJECTED, at=uow.now))
    uow.publish(
        ModelRejected(
            model=version.candidate.model,
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
