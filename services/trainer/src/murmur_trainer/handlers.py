"""What the trainer does about calls and events: load, decide, save, publish."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from murmur_events.monitoring import DriftDetected, PerformanceDegraded
from murmur_events.runs import RunCompleted, RunFailed
from murmur_events.training import TrainingRequested
from murmur_events.workflows import WorkflowApplied, WorkflowDefinition
from murmur_kernel.errors import Refused
from murmur_trainer import starting, sweeping
from murmur_trainer.domain import admission, asking
from murmur_trainer.domain.admission import Retrain, Skip, Start, Wait
from murmur_trainer.domain.parameters import check_parameters
from murmur_trainer.domain.sharing import LimitsDiffer, ServerLimits, check_limits
from murmur_trainer.domain.training import Monitored, Parameters, Request, Trigger
from murmur_trainer.domain.workflow import Workflow, first_tick
from murmur_trainer.freezing import freeze_of
from murmur_trainer.ports import Artifacts
from murmur_trainer.repeating import original_of
from murmur_trainer.repository import Revision, TrainerUnitOfWork, revision_id
from murmur_trainer.schemas import Accepted, Applied
from murmur_trainer.sources import CodeSource, kept
from murmur_trainer.starting import queued
from murmur_trainer.translation import allowed_of, request_of, requested, skipped
from murmur_trainer.workflow_file import pack, read_workflow

A_PERSON = "somebody"
"""Who asked by REST and did not say who they are."""


@dataclass(frozen=True, kw_only=True)
class ApplyWorkflow:
    name: str
    definition: str
    files: dict[str, str]
    source: CodeSource | None = None


@dataclass(frozen=True, kw_only=True)
class AskForTraining:
    """key: the caller's own identity of the wish, so that saying it twice asks once. by: who asks."""

    workflow: str
    kind: Literal["manual", "schedule"] = "manual"
    as_of: datetime | None = None
    parameters: Parameters = field(default_factory=dict)
    reason: str = ""
    key: str | None = None
    by: str = A_PERSON


class WorkflowHandlers:
    """Applying a workflow needs a place for its code."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts

    async def apply_workflow(self, command: ApplyWorkflow, uow: TrainerUnitOfWork) -> Applied:
        """Numbers a new revision and times its schedule; content that is known already changes nothing.

        Raises WorkflowFileInvalid with all mistakes of the files, and Refused where its group has other limits.
        """
        definition = read_workflow(command.name, command.definition, command.files)
        await _check_group(definition, uow)
        code = await self._artifacts.put_bytes(pack(command.files), suffix=".zip")
        before = await uow.workflows.get(command.name)
        if before is not None:
            newest = await uow.revisions.require(revision_id(before.name, before.revision))
            if (newest.definition, newest.code.sha256) == (definition, code.sha256):
                return _applied(before, newest, unchanged=True)
            uow.forget_tick(before)
        workflow = _next_revision(definition, before, now=uow.now)
        applied = Revision(
            workflow=workflow.name,
            revision=workflow.revision,
            definition=definition,
            code=code,
            applied_at=uow.now,
            source=await kept(command.source, self._artifacts),
        )
        uow.workflows.save(workflow)
        uow.revisions.save(applied)
        chain = uow.publish(
            WorkflowApplied(
                workflow=definition.name, revision=workflow.revision, definition=definition, code=applied.code
            )
        )
        uow.await_tick(workflow)
        return _applied(workflow, applied, unchanged=False, correlation_id=chain.correlation_id)


async def _check_group(definition: WorkflowDefinition, uow: TrainerUnitOfWork) -> None:
    group = definition.deployment.group
    if group is None:
        return
    others = {
        str(each.name): _limits(each) for each in await uow.newest_definitions() if each.deployment.group == group
    }
    try:
        check_limits(definition.name, group, _limits(definition), others=others)
    except LimitsDiffer as differ:
        raise Refused(str(differ)) from differ


def _limits(definition: WorkflowDefinition) -> ServerLimits:
    limits = definition.deployment.limits
    return ServerLimits(memory=limits.memory, nice=limits.nice)


async def ask_for_training(command: AskForTraining, uow: TrainerUnitOfWork) -> Accepted:
    """Begins a chain with training.requested. Raises Missing (unknown workflow) or NotAskable (unusable wish)."""
    workflow = await uow.workflows.require(command.workflow)
    newest = await uow.revisions.require(revision_id(workflow.name, workflow.revision))
    training = newest.definition.training
    check_parameters(command.parameters, own=training.parameters, allowed=allowed_of(training))
    request = _wish(command, workflow, uow)
    chain = uow.publish(requested(request))
    return Accepted(
        workflow=workflow.name,
        revision=workflow.revision,
        run_id=request.run_id,
        kind=request.trigger.kind,
        key=request.trigger.key,
        as_of=request.as_of,
        correlation_id=chain.correlation_id,
    )


async def answer_request(event: TrainingRequested, uow: TrainerUnitOfWork) -> None:
    """The trainer's own requests and those of clients alike: start, wait in line, or say why not."""
    if event.sweep is not None:
        await sweeping.answer_member(event, uow)
        return
    request = request_of(event)
    if request.trigger.kind == "reproduction" or request.reproduces is not None:
        await _answer_reproduction(request, uow)
        return
    line = await uow.line_of(request.workflow)
    answer = admission.admit(
        request,
        workflow=await uow.workflows.get(request.workflow),
        earlier=await uow.trainings.get(request.run_id),
        line=line,
        frozen=await freeze_of("retraining", request.workflow, uow),
    )
    match answer:
        case Start(revision):
            training = queued(request, revision, uow)
            uow.trainings.save(training)
            uow.lines.save(line.joined(request.run_id))
            await starting.want_slots((training,), uow)
        case Wait(revision):
            uow.trainings.save(queued(request, revision, uow))
            uow.lines.save(line.joined(request.run_id))
        case Skip():
            uow.publish(skipped(request, answer))


async def _answer_reproduction(request: Request, uow: TrainerUnitOfWork) -> None:
    record = await uow.records.get(request.reproduces.run_id) if request.reproduces is not None else None
    answer = admission.admit_reproduction(
        request,
        workflow=await uow.workflows.get(request.workflow),
        original=original_of(record) if record is not None else None,
        earlier=await uow.trainings.get(request.run_id),
    )
    match answer:
        case Start(revision):
            training = queued(request, revision, uow)
            uow.trainings.save(training)
            await starting.want_slots((training,), uow)
        case Skip():
            uow.publish(skipped(request, answer))


async def answer_drift(event: DriftDetected, uow: TrainerUnitOfWork) -> None:
    """By the workflow's own policy; the request keeps the correlation of the drift that caused it."""
    await _answer_monitor("drift", event, _drifted(event), uow)


async def answer_degradation(event: PerformanceDegraded, uow: TrainerUnitOfWork) -> None:
    """As to drift: by the workflow's own policy, once an episode, in its chain."""
    await _answer_monitor("degradation", event, f"{event.model} v{event.version}: {event.detail}", uow)


async def _answer_monitor(
    found: Monitored, event: DriftDetected | PerformanceDegraded, reason: str, uow: TrainerUnitOfWork
) -> None:
    request = Request(
        workflow=event.workflow,
        revision=None,
        trigger=Trigger(kind=found, key=event.episode, reason=reason),
        as_of=uow.now,
    )
    line = await uow.line_of(event.workflow)
    answer = admission.answer_monitor(
        found,
        workflow=await uow.workflows.get(event.workflow),
        name=event.workflow,
        earlier=await uow.trainings.get(request.run_id),
        line=line,
        frozen=await freeze_of("retraining", event.workflow, uow),
        now=uow.now,
    )
    match answer:
        case Retrain(revision):
            uow.lines.save(line.asked_by_monitor(uow.now))
            uow.publish(requested(request).model_copy(update={"revision": revision}))
        case Skip():
            uow.publish(skipped(request, answer).model_copy(update={"model": event.model}))


async def let_next_start(event: RunCompleted | RunFailed, uow: TrainerUnitOfWork) -> None:
    """A run has ended: its slot is free, and the next of its line or its sweep may begin.

    Runs that the trainer does not own have no slot and are in no line.
    """
    training = await uow.trainings.get(event.run_id)
    if training is None:
        return
    await starting.give_back((training.run_id,), uow)
    if training.sweep is not None:
        await sweeping.end_member(event, training.sweep, uow)
        return
    before = await uow.line_of(training.workflow)
    line = before.left(training.run_id)
    if line == before:
        return
    uow.lines.save(line)
    if line.active is not None:
        await starting.want_slots((await uow.trainings.require(line.active),), uow)


def _next_revision(definition: WorkflowDefinition, before: Workflow | None, *, now: datetime) -> Workflow:
    return Workflow(
        name=definition.name,
        revision=before.revision + 1 if before else 1,
        cron=definition.schedule,
        retrain=definition.monitoring.retrain,
        cooldown=definition.monitoring.cooldown,
        applied_at=now,
        next_tick=first_tick(definition.schedule, before=before, now=now),
    )


def _applied(workflow: Workflow, revision: Revision, *, unchanged: bool, correlation_id: str | None = None) -> Applied:
    return Applied(
        name=workflow.name,
        revision=workflow.revision,
        unchanged=unchanged,
        code=revision.code,
        next_tick=workflow.next_tick,
        correlation_id=correlation_id,
    )


def _wish(command: AskForTraining, workflow: Workflow, uow: TrainerUnitOfWork) -> Request:
    match command.kind:
        case "manual":
            return asking.by_hand(
                workflow,
                key=command.key or uow.new_id("trigger"),
                as_of=command.as_of,
                parameters=command.parameters,
                reason=command.reason,
                by=command.by,
                now=uow.now,
            )
        case "schedule":
            return asking.by_schedule(
                workflow,
                as_of=command.as_of,
                parameters=command.parameters,
                reason=command.reason,
                by=command.by,
                now=uow.now,
            )


def _drifted(event: DriftDetected) -> str:
    columns = [feature.feature for feature in event.features if feature.drifted]
    return f"{', '.join(columns) or 'the inputs'} drifted in {event.rows:,} rows of {event.model} v{event.version}"
