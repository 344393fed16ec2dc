"""Reads how a model comes to be: workflows, data, requests, runs."""

from murmur_console.domain.facts import Tone, Work, WorkKind
from murmur_console.reading.reading import Reading, first_line, read
from murmur_events.datasets import DatasetRegistered
from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.runs import RunCompleted, RunFailed, RunStarted
from murmur_events.shares import RunShared, ShareRevoked, ShareViewed
from murmur_events.sweeps import SweepCompleted, SweepRequested
from murmur_events.training import TrainingRequested, TrainingSkipped, Trigger
from murmur_events.workflows import WorkflowApplied
from murmur_events.workspaces import WorkspaceDropped, WorkspaceEmptied


@read.register
def _(event: WorkflowApplied) -> Reading:
    return Reading(
        label=f"revision {event.revision}",
        headline=f"{event.workflow} revision {event.revision} applied",
        workflow=event.workflow,
    )


@read.register
def _(event: DatasetRegistered) -> Reading:
    data = event.dataset
    positive = "" if event.label_rate is None else f", {event.label_rate:.1%} positive"
    return Reading(
        label=f"{data.train_rows:,} rows",
        headline=f"{data.train_rows:,} rows to learn from, {data.holdout_rows:,} held out{positive}",
        workflow=event.workflow,
    )


@read.register
def _(event: TrainingRequested) -> Reading:
    why = _why(event.trigger)
    return Reading(
        label=why,
        headline=f"{why}: data until {event.as_of:%Y-%m-%d}",
        workflow=event.workflow,
        opens=(_queue(event.workflow, event.trigger),),
    )


@read.register
def _(event: TrainingSkipped) -> Reading:
    why = event.why.replace("_", " ")
    return Reading(
        label=f"skipped: {why}",
        headline=f"nothing trained, {why}" + (f": {event.detail}" if event.detail else ""),
        workflow=event.workflow,
        model=event.model,
        closes=(_queue(event.workflow, event.trigger),),
    )


@read.register
def _(event: SweepRequested) -> Reading:
    return Reading(
        label=f"sweep of {event.members:,}",
        headline=f"sweep {event.sweep_id}: {event.members:,} trainings for {event.by}, the best by {event.metric}",
        workflow=event.workflow,
    )


@read.register
def _(event: SweepCompleted) -> Reading:
    best = ", ".join(f"{event.metric} {run.value:.4g} by {run.run_id}" for run in event.best)
    stopped = f", cancelled by {event.cancelled_by}" if event.outcome == "cancelled" else ""
    return Reading(
        label=f"sweep {event.outcome}",
        headline=f"sweep {event.sweep_id} {event.outcome}: {event.completed:,} of {event.members:,} trained,"
        f" {event.failed:,} failed{stopped}" + (f"; {best}" if best else ""),
        workflow=event.workflow,
    )


@read.register
def _(event: RunStarted) -> Reading:
    again = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return Reading(
        label="run started" + again,
        headline=f"run {event.run_id} started{again}",
        workflow=event.workflow,
        run=event.run_id,
        opens=(Work(WorkKind.TRAINING, event.run_id),) if event.trigger else (),
        closes=_queued(event),
    )


@read.register
def _(event: RunCompleted) -> Reading:
    auc, rmse = event.metrics.get("auc"), event.metrics.get("rmse")
    rows = f" on {event.dataset.train_rows:,} rows" if event.dataset else ""
    score = f", AUC {auc:.3f} on its own check" if auc is not None else ""
    if event.research and rmse is not None:
        score = f", RMSE {rmse:.4g} held out"
    repeats = event.reproduction
    verdict = f": {repeats.verdict}, as a reproduction of {repeats.of}" if repeats is not None else ""
    return Reading(
        label=f"reproduction: {repeats.verdict}" if repeats is not None else "run completed",
        headline=f"run {event.run_id} completed{rows}{score}{verdict}",
        workflow=event.workflow,
        run=event.run_id,
        closes=(Work(WorkKind.TRAINING, event.run_id), *_queued(event)),
    )


@read.register
def _(event: RunFailed) -> Reading:
    cause = event.cause.replace("_", " ")
    return Reading(
        label=cause,
        headline=f"run {event.run_id} failed, {cause}: {first_line(event.message)}",
        tone=Tone.TROUBLE,
        workflow=event.workflow,
        run=event.run_id,
        closes=(Work(WorkKind.TRAINING, event.run_id), *_queued(event)),
    )


@read.register
def _(event: ExperimentChanged) -> Reading:
    state = "moved to the bin" if event.deleted else "changed"
    return Reading(label=f"experiment {state}", headline=f"experiment {event.name} {state}")


@read.register
def _(event: RunShared) -> Reading:
    return Reading(label="run shared", headline=f"{event.by} shared run {event.run_id}", run=event.run_id)


@read.register
def _(event: ShareViewed) -> Reading:
    return Reading(label="share seen", headline=f"shared run seen, {event.seen} times so far")


@read.register
def _(event: ShareRevoked) -> Reading:
    return Reading(
        label="share revoked", headline=f"{event.by} revoked a share of run {event.run_id}", run=event.run_id
    )


@read.register
def _(event: ModelLogged) -> Reading:
    state = "moved to the bin" if event.deleted else event.status
    return Reading(label=f"model {state}", headline=f"logged model {event.name} {state}", run=event.source_run)


@read.register
def _(event: WorkspaceDropped) -> Reading:
    return Reading(
        label="workspace dropped", headline=f"workspace {event.workspace} was dropped, with all that was in it"
    )


@read.register
def _(event: WorkspaceEmptied) -> Reading:
    return Reading(
        label="workspace emptied",
        headline=f"{event.models} registered models went with the workspace {event.workspace}",
    )


def _queued(event: RunStarted | RunCompleted | RunFailed) -> tuple[Work, ...]:
    """The place in the trainer's line that the run had; a client's run had none."""
    return (_queue(event.workflow, event.trigger),) if event.workflow and event.trigger else ()


def _why(trigger: Trigger) -> str:
    match trigger.kind:
        case "schedule":
            return f"tick {trigger.key[:10]}"
        case "manual" | "reproduction":
            return trigger.reason or "by hand"
        case "drift" | "degradation" | "commit" | "data":
            return f"because of {trigger.kind}"


def _queue(workflow: str, trigger: Trigger) -> Work:
    return Work(WorkKind.QUEUE, f"{workflow} {trigger.kind} {trigger.key}")
