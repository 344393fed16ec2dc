"""What the trainer does about sweeps: plan one, begin its members, call it off, and say how it ended."""

from dataclasses import dataclass
from datetime import datetime

from murmur_events.base import RunId, WorkflowName
from murmur_events.runs import RunCompleted, RunFailed
from murmur_events.sweeps import BestRun, SweepCompleted, SweepRequested
from murmur_events.training import TrainingRequested
from murmur_events.workflows import TrainingSection
from murmur_kernel.errors import KernelError
from murmur_trainer import starting
from murmur_trainer.domain.admission import Skip, already_trained
from murmur_trainer.domain.asking import NotAskable, past
from murmur_trainer.domain.planning import Plan, members_of
from murmur_trainer.domain.sweep import Best, Goal, SweepState
from murmur_trainer.domain.training import Request
from murmur_trainer.repository import SweepDocument, TrainerUnitOfWork, revision_id
from murmur_trainer.schemas import SweepView
from murmur_trainer.sweep_views import sweep_view
from murmur_trainer.translation import allowed_of, request_of, requested, skipped


class SweepOver(KernelError):
    """There is nothing left to call off."""


@dataclass(frozen=True, kw_only=True)
class StartSweep:
    """metric and goal: of workflow.yaml where absent."""

    workflow: str
    by: str
    plan: Plan
    metric: str | None = None
    goal: Goal | None = None
    max_parallel: int = 4
    as_of: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class CancelSweep:
    sweep_id: str
    by: str
    reason: str = ""


async def start_sweep(command: StartSweep, uow: TrainerUnitOfWork) -> SweepView:
    """Publishes sweep.requested and, in its chain, a training.requested for each member, all or nothing.

    Raises Missing for an unknown workflow, and NotAskable for a plan that cannot be trained, before anything begins.
    """
    workflow = await uow.workflows.require(command.workflow)
    training = (await uow.revisions.require(revision_id(workflow.name, workflow.revision))).definition.training
    members = members_of(command.plan, own=training.parameters, allowed=allowed_of(training))
    metric, goal = _objective(command, training)
    sweep_id = f"s-{uow.new_id('sweep').replace('-', '')[:12]}"
    as_of = past(command.as_of or uow.now, uow.now)
    chain = uow.publish(
        SweepRequested(
            sweep_id=sweep_id,
            workflow=WorkflowName(workflow.name),
            revision=workflow.revision,
            by=command.by,
            reason=command.reason,
            as_of=as_of,
            grid=dict(command.plan.grid),
            data=dict(command.plan.data),
            random=command.plan.random,
            seed=command.plan.seed,
            members=len(members),
            metric=metric,
            goal=goal,
            max_parallel=command.max_parallel,
        )
    )
    sweep = SweepDocument(
        sweep_id=sweep_id,
        workflow=workflow.name,
        revision=workflow.revision,
        by=command.by,
        reason=command.reason,
        as_of=as_of,
        grid=command.plan.grid,
        data=command.plan.data,
        metric=metric,
        goal=goal,
        max_parallel=command.max_parallel,
        members=len(members),
        requested_at=uow.now,
        chain=chain,
    )
    uow.sweeps.save(sweep)
    for number, parameters in enumerate(members, start=1):
        member = Request(
            workflow=workflow.name,
            revision=workflow.revision,
            trigger=sweep.trigger(number),
            as_of=as_of,
            parameters=parameters,
            sweep=sweep_id,
        )
        uow.publish(requested(member))
    return sweep_view(sweep)


def _objective(command: StartSweep, training: TrainingSection) -> tuple[str, Goal]:
    """What the call says goes before workflow.yaml; a metric of its own needs its own goal."""
    told = training.objective
    if command.metric is None and told is not None:
        return told.metric, command.goal or told.goal
    if command.metric is not None and command.goal is not None:
        return command.metric, command.goal
    raise NotAskable(
        f"by which metric is a run of {command.workflow!r} the best, and is less or more of it better? Say metric and"
        f" goal, or training.objective in workflow.yaml"
    )


async def answer_member(event: TrainingRequested, uow: TrainerUnitOfWork) -> None:
    """One of its trainings is asked for: it begins, waits for those before it, or was called off meanwhile.

    Raises ValueError where the sweep never asked for it, and Missing where there is no such sweep.
    """
    request = request_of(event)
    sweep = await uow.sweeps.require(event.sweep or "")
    if not sweep.has_member(request.run_id, request.trigger.key):
        raise ValueError(f"{request.trigger.key!r} is no member of sweep {sweep.sweep_id!r} of {sweep.workflow!r}")
    earlier = await uow.trainings.get(request.run_id)
    if earlier is not None:
        uow.publish(skipped(request, already_trained(earlier)))
    elif sweep.state is not SweepState.RUNNING:
        uow.publish(skipped(request, Skip("cancelled", _called_off(sweep))))
    else:
        training = starting.queued(request, sweep.revision, uow)
        uow.trainings.save(training)
        await _follow(sweep, sweep.arrived(training.run_id), uow)


async def end_member(event: RunCompleted | RunFailed, sweep_id: str, uow: TrainerUnitOfWork) -> None:
    """A member that fails counts as failed, and the sweep goes on. Its last one ends it."""
    before = await uow.sweeps.require(sweep_id)
    training = await uow.trainings.require(event.run_id)
    best = None
    if isinstance(event, RunCompleted) and before.metric in event.metrics:
        best = Best(
            data={name: training.parameters[name] for name in before.data},
            run_id=event.run_id,
            value=event.metrics[before.metric],
            parameters=training.parameters,
        )
    after = before.left(event.run_id, failed=isinstance(event, RunFailed), best=best, at=uow.now)
    await _follow(before, after, uow)


async def cancel_sweep(command: CancelSweep, uow: TrainerUnitOfWork) -> SweepView:
    """Nothing more of it begins; what trains already comes to its end, and then the sweep does. Raises SweepOver."""
    before = await uow.sweeps.require(command.sweep_id)
    if before.state is not SweepState.RUNNING:
        raise SweepOver(f"sweep {before.sweep_id!r} is {before.state.value}: there is nothing left to cancel")
    begun = await starting.begun(before.active, uow)
    after = before.called_off(by=command.by, why=command.reason, begun=begun, at=uow.now)
    dropped = [run_id for run_id in (*before.active, *before.ready) if run_id not in begun]
    for run_id in dropped:
        training = await uow.trainings.require(run_id)
        uow.trainings.save(training.cancelled(_called_off(after), at=uow.now))
        uow.resume(training.chain)
        uow.publish(skipped(training.request, Skip("cancelled", _called_off(after))))
    uow.resume(before.chain)
    await starting.give_back(dropped, uow)
    await _follow(before, after, uow)
    return sweep_view(after)


async def _follow(before: SweepDocument, after: SweepDocument, uow: TrainerUnitOfWork) -> None:
    """Save what became of a sweep, let those begin whose turn it is now, and say so if that was its end."""
    if after == before:
        return
    uow.sweeps.save(after)
    turn = [run_id for run_id in after.active if run_id not in before.active]
    if turn:
        await starting.want_slots([await uow.trainings.require(run_id) for run_id in turn], uow)
    if after.over and after.ended_at is not None:
        uow.publish(_completed(after, after.ended_at))


def _called_off(sweep: SweepDocument) -> str:
    return f"sweep {sweep.sweep_id!r} was cancelled by {sweep.cancelled_by}: {sweep.why}".rstrip(": ")


def _completed(sweep: SweepDocument, at: datetime) -> SweepCompleted:
    return SweepCompleted(
        sweep_id=sweep.sweep_id,
        workflow=WorkflowName(sweep.workflow),
        revision=sweep.revision,
        by=sweep.by,
        outcome="cancelled" if sweep.state is SweepState.CANCELLED else "completed",
        members=sweep.members,
        completed=sweep.completed,
        failed=sweep.failed,
        cancelled=sweep.cancelled,
        metric=sweep.metric,
        goal=sweep.goal,
        best=tuple(
            BestRun(data=best.data, run_id=RunId(best.run_id), value=best.value, parameters=best.parameters)
            for best in sweep.best
        ),
        cancelled_by=sweep.cancelled_by,
        reason=sweep.why,
        started_at=sweep.requested_at,
        ended_at=at,
    )
