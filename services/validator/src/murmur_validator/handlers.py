"""What the validator does when something happened: it plans a validation, or remembers what it will judge by."""

from murmur_events.models import ModelPromoted, ModelRegistered, VersionState
from murmur_events.validation import ValidationRequested
from murmur_events.workflows import WorkflowApplied
from murmur_validator.jobs import VALIDATION, Request
from murmur_validator.repository import Baseline, Validation, ValidatorUnitOfWork, WorkflowRules, rules_id


async def validate_candidate(event: ModelRegistered, uow: ValidatorUnitOfWork) -> None:
    """Against the version in production, as far as is known here; the registry asks again if it has moved."""
    baseline = await uow.baselines.get(event.model)
    await _plan(event.state, baseline.state if baseline else None, uow)


async def validate_again(event: ValidationRequested, uow: ValidatorUnitOfWork) -> None:
    """Against the baseline that the registry names."""
    await _plan(event.candidate, event.baseline, uow)


async def remember_rules(event: WorkflowApplied, uow: ValidatorUnitOfWork) -> None:
    uow.rules.save(
        WorkflowRules(
            workflow=event.workflow,
            revision=event.revision,
            data=event.definition.data,
            validation=event.definition.validation,
        )
    )


async def remember_baseline(event: ModelPromoted, uow: ValidatorUnitOfWork) -> None:
    """A move of the alias that is older than the one known changes nothing."""
    if event.alias != "production":
        return
    known = await uow.baselines.get(event.model)
    if known is None or known.alias_revision < event.alias_revision:
        uow.baselines.save(Baseline(model=event.model, alias_revision=event.alias_revision, state=event.state))


async def _plan(candidate: VersionState, baseline: VersionState | None, uow: ValidatorUnitOfWork) -> None:
    """One job a request. Waits until the rules of both versions are known, so that the job finds them."""
    for state in (candidate, baseline):
        if state is not None:
            await uow.rules.require(rules_id(state.workflow, state.revision))
    job_id = uow.new_id("validation")
    request = Request(candidate=candidate, baseline=baseline)
    uow.enqueue(VALIDATION, job_id=job_id, payload=request.model_dump(mode="json"))
    uow.validations.save(
        Validation(
            model=candidate.model,
            version=candidate.version,
            job_id=job_id,
            baseline=baseline.version if baseline else None,
            requested_at=uow.now,
        )
    )
