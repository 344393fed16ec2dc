"""Between the words of the contract and those of the domain."""

from murmur_events import training as contract
from murmur_events.base import WorkflowName
from murmur_events.reproductions import Reproduces
from murmur_events.workflows import Range, TrainingSection
from murmur_trainer.domain.admission import Skip
from murmur_trainer.domain.parameters import Allowed, Between
from murmur_trainer.domain.training import Repeat, Request, Trigger


def trigger_of(trigger: contract.Trigger) -> Trigger:
    return Trigger(kind=trigger.kind, key=trigger.key, reason=trigger.reason, by=trigger.by)


def trigger_said(trigger: Trigger) -> contract.Trigger:
    return contract.Trigger(kind=trigger.kind, key=trigger.key, reason=trigger.reason, by=trigger.by)


def request_of(event: contract.TrainingRequested) -> Request:
    return Request(
        workflow=event.workflow,
        revision=event.revision,
        trigger=trigger_of(event.trigger),
        as_of=event.as_of,
        parameters=event.parameters,
        reproduces=repeat_of(event.reproduces) if event.reproduces is not None else None,
        sweep=event.sweep,
    )


def repeat_of(wish: Reproduces) -> Repeat:
    return Repeat(
        run_id=wish.run_id,
        code=wish.code.sha256,
        data=wish.dataset.digest,
        seed=wish.seed,
        threads=wish.threads,
        environment=wish.environment,
    )


def requested(request: Request) -> contract.TrainingRequested:
    return contract.TrainingRequested(
        workflow=WorkflowName(request.workflow),
        revision=request.revision,
        trigger=trigger_said(request.trigger),
        as_of=request.as_of,
        parameters=request.parameters,
        sweep=request.sweep,
    )


def skipped(request: Request, skip: Skip) -> contract.TrainingSkipped:
    return contract.TrainingSkipped(
        workflow=WorkflowName(request.workflow),
        trigger=trigger_said(request.trigger),
        why=skip.why,
        detail=skip.detail,
    )


def allowed_of(section: TrainingSection) -> Allowed:
    return {
        name: Between(values.least, values.most) if isinstance(values, Range) else values
        for name, values in section.allowed.items()
    }
