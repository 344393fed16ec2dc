"""Reads how a model comes to be: workflows, data, requests, runs."""

from murmur_console.domain.facts import Tone, Work, WorkKind
from murmur_console.reading.reading import Reading, first_line, read
from murmur_events.datasets import DatasetRegistered
from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.runs import RunCompleted, RunFailed, RunStarted
from murmur_events.training import TrainingRequested, TrainingSkipped, Trigger
from murmur_events.workflows import WorkflowApplied
from murmur_events.workspaces import WorkspaceDropped


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
    return Reading(
        label=f"{data.train_rows:,} rows",
        headline=f"{data.train_rows:,} rows to learn from, {data.holdout_rows:,} held out,"
        f" {event.label_rate:.1%} positive",
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
    auc = event.metrics.get("auc")
    rows = f" on {event.dataset.train_rows:,} rows" if event.dataset else ""
    score = f", AUC {auc:.3f} on its own check" if auc is not None else ""
    return Reading(
        label="run completed",
        headline=f"run {event.run_id} completed{rows}{score}",
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
def _(event: ModelLogged) -> Reading:
    state = "moved to the bin" if event.deleted else event.status
    return Reading(label=f"model {state}", headline=f"logged model {event.name} {state}", run=event.source_run)


@read.register
def _(event: WorkspaceDropped) -> Reading:
    return Reading(
        label="workspace dropped", headline=f"workspace {event.workspace} was dropped, with all that was in it"
    )


def _queued(event: RunStarted | RunCompleted | RunFailed) -> tuple[Work, ...]:
    """The place in the trainer's line that the run had; a client's run had none."""
    return (_queue(event.workflow, event.trigger),) if event.workflow and event.trigger else ()


def _why(trigger: Trigger) -> str:
    match trigger.kind:
        case "schedule":
            return f"tick {trigger.key[:10]}"
        case "manual":
            return trigger.reason or "by hand"
        case "drift" | "degradation" | "commit" | "data":
            return f"because of {trigger.kind}"


def _queue(workflow: str, trigger: Trigger) -> Work:
    return Work(WorkKind.QUEUE, f"{workflow} {trigger.kind} {trigger.key}")
