"""How a model comes to be: workflows, data, requests, sweeps, runs."""

from murmur_cli.words.describing import describe
from murmur_events.datasets import DatasetRegistered
from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.reproductions import Reproduction
from murmur_events.runs import RunCompleted, RunFailed, RunStarted
from murmur_events.shares import RunShared, ShareRevoked, ShareViewed
from murmur_events.sweeps import SweepCompleted, SweepRequested
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_events.workflows import WorkflowApplied
from murmur_events.workspaces import WorkspaceDropped, WorkspaceEmptied


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip(" ,") + "…"


@describe.register
def _(event: WorkflowApplied) -> str:
    return f"{event.workflow} revision {event.revision}"


@describe.register
def _(event: DatasetRegistered) -> str:
    data = event.dataset
    positive = "" if event.label_rate is None else f", {event.label_rate:.1%} positive"
    return (
        f"{event.workflow}  {data.train_rows:,} rows to learn from, {data.holdout_rows:,} held out{positive}"
        f"  {data.digest[:10]}"
    )


@describe.register
def _(event: TrainingRequested) -> str:
    trigger = event.trigger
    why = f"tick {trigger.key[:10]}" if trigger.kind == "schedule" else _short(trigger.reason or trigger.kind)
    return f"{event.workflow}  {why}  (data until {event.as_of:%Y-%m-%d})"


@describe.register
def _(event: TrainingSkipped) -> str:
    return f"{event.workflow}  {event.why.replace('_', ' ')}: {event.detail}".rstrip(": ")


@describe.register
def _(event: SweepRequested) -> str:
    drawn = ", drawn at random" if event.random else ""
    return f"{event.workflow}/{event.sweep_id}  {event.members:,} trainings{drawn} for {event.by}, by {event.metric}"


@describe.register
def _(event: SweepCompleted) -> str:
    ends = {"completed": event.completed, "failed": event.failed, "never begun": event.cancelled}
    counts = ", ".join(f"{count:,} {end}" for end, count in ends.items() if count)
    best = ", ".join(f"{event.metric} {run.value:.4g} by {run.run_id}" for run in event.best[:3])
    stopped = f"  cancelled by {event.cancelled_by}" if event.outcome == "cancelled" else ""
    return f"{event.workflow}/{event.sweep_id}{stopped}  {counts}  {best}".rstrip()


def _run(event: RunStarted | RunCompleted | RunFailed) -> str:
    return event.run_id if event.workflow is None else f"{event.workflow}/{event.run_id}"


@describe.register
def _(event: RunStarted) -> str:
    again = f"  attempt {event.attempt}" if event.attempt > 1 else ""
    return f"{_run(event)}{again}"


@describe.register
def _(event: RunCompleted) -> str:
    seconds = (event.ended_at - event.started_at).total_seconds()
    if event.reproduction is not None:
        return f"{_run(event)}  {_verdict(event.reproduction)}  {seconds:.1f} s"
    told = f"  auc {event.metrics['auc']:.3f} on its own check" if "auc" in event.metrics else ""
    if event.research and "rmse" in event.metrics:
        told = f"  rmse {event.metrics['rmse']:.4g} held out"
    rows = f"  {event.dataset.train_rows:,} rows" if event.dataset else ""
    return f"{_run(event)}{told}{rows}  {seconds:.1f} s"


def _verdict(found: Reproduction) -> str:
    """The metric that differs most is the first to know of."""
    if found.verdict != "different":
        return f"{found.verdict} to {found.of}"
    known = [metric for metric in found.metrics if metric.difference is not None]
    most = max(known, key=lambda metric: abs(metric.difference or 0), default=None)
    return f"different from {found.of}" + (f": {most.name} by {most.difference:+.3g}" if most else "")


@describe.register
def _(event: RunFailed) -> str:
    return f"{_run(event)}  {event.cause.replace('_', ' ')}: {event.message.splitlines()[0]}"


@describe.register
def _(event: ExperimentChanged) -> str:
    return f"{event.name}  {'in the bin' if event.deleted else event.experiment}"


@describe.register
def _(event: ModelLogged) -> str:
    return f"{event.name}  {event.model_id}  {'in the bin' if event.deleted else event.status}"


@describe.register
def _(event: RunShared) -> str:
    return f"{event.run_id} by {event.by} until {event.expires_at:%Y-%m-%d %H:%M}  {event.reason}".rstrip()


@describe.register
def _(event: ShareViewed) -> str:
    return f"{event.share_id}  {event.seen} times so far"


@describe.register
def _(event: ShareRevoked) -> str:
    return f"{event.share_id} of {event.run_id} by {event.by}"


@describe.register
def _(event: WorkspaceDropped) -> str:
    return f"{event.workspace}  with all that was in it"


@describe.register
def _(event: WorkspaceEmptied) -> str:
    return f"{event.workspace}  of {event.models} registered models"
