"""What a person wants to know of each event, in one line."""

from functools import singledispatch

from murmur_events import Event
from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.batches import BatchCompleted, BatchFailed, BatchRequested
from murmur_events.datasets import DatasetRegistered
from murmur_events.dead_letters import DeadLettered
from murmur_events.deployments import (
    CanaryJudged,
    CanaryStarted,
    DeploymentFailed,
    DeploymentRolledBack,
    DeploymentScaled,
    ModelDeployed,
)
from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.models import (
    ModelArchived,
    ModelPromoted,
    ModelRegistered,
    ModelRejected,
    PromotionDeferred,
    ReviewDecided,
    ReviewRequested,
)
from murmur_events.monitoring import AlertRaised, AlertResolved, DriftDetected, PerformanceDegraded, WindowMeasured
from murmur_events.runs import RunCompleted, RunFailed, RunStarted
from murmur_events.serving import FeedbackRecorded
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_events.troubles import TroubleReported
from murmur_events.validation import ValidationCompleted, ValidationRequested
from murmur_events.workflows import WorkflowApplied
from murmur_events.workspaces import WorkspaceDropped


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip(" ,") + "…"


@singledispatch
def describe(event: Event) -> str:
    """What a person wants to know of an event, in one line."""
    return ""


@describe.register
def _(event: WorkflowApplied) -> str:
    return f"{event.workflow} revision {event.revision}"


@describe.register
def _(event: DatasetRegistered) -> str:
    data = event.dataset
    return (
        f"{event.workflow}  {data.train_rows:,} rows to learn from, {data.holdout_rows:,} held out,"
        f" {event.label_rate:.1%} positive  {data.digest[:10]}"
    )


@describe.register
def _(event: TrainingRequested) -> str:
    trigger = event.trigger
    why = f"tick {trigger.key[:10]}" if trigger.kind == "schedule" else _short(trigger.reason or trigger.kind)
    return f"{event.workflow}  {why}  (data until {event.as_of:%Y-%m-%d})"


@describe.register
def _(event: TrainingSkipped) -> str:
    return f"{event.workflow}  {event.why.replace('_', ' ')}: {event.detail}".rstrip(": ")


def _run(event: RunStarted | RunCompleted | RunFailed) -> str:
    return event.run_id if event.workflow is None else f"{event.workflow}/{event.run_id}"


@describe.register
def _(event: RunStarted) -> str:
    again = f"  attempt {event.attempt}" if event.attempt > 1 else ""
    return f"{_run(event)}{again}"


@describe.register
def _(event: RunCompleted) -> str:
    seconds = (event.ended_at - event.started_at).total_seconds()
    auc = f"  auc {event.metrics['auc']:.3f} on its own check" if "auc" in event.metrics else ""
    rows = f"  {event.dataset.train_rows:,} rows" if event.dataset else ""
    return f"{_run(event)}{auc}{rows}  {seconds:.1f} s"


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
def _(event: WorkspaceDropped) -> str:
    return f"{event.workspace}  with all that was in it"


@describe.register
def _(event: ModelRegistered) -> str:
    return f"{event.model} v{event.version}"


@describe.register
def _(event: ValidationRequested) -> str:
    against = f"v{event.baseline.version}" if event.baseline else "nobody"
    return f"{event.model} v{event.version} again, against {against}"


@describe.register
def _(event: ValidationCompleted) -> str:
    return f"{event.model} v{event.version}  {event.summary}"


@describe.register
def _(event: ReviewRequested) -> str:
    return f"{event.model} v{event.version} waits for a person: murmur approve {event.model} {event.version}"


@describe.register
def _(event: ReviewDecided) -> str:
    return f"{event.model} v{event.version} {event.decision} by {event.by}: {event.reason}"


@describe.register
def _(event: ModelPromoted) -> str:
    left = f" (was v{event.replaces})" if event.replaces else ""
    return f"{event.model} v{event.version} -> {event.alias}{left}"


@describe.register
def _(event: ModelRejected) -> str:
    return f"{event.model} v{event.version}  {event.reason}"


@describe.register
def _(event: ModelArchived) -> str:
    return f"{event.model} v{event.version} gave {event.was} up to v{event.replaced_by}"


@describe.register
def _(event: ModelDeployed) -> str:
    left = f", v{event.replaces} drained" if event.replaces else ""
    return f"{event.deployment} v{event.version} answers at {event.endpoint}{left}"


@describe.register
def _(event: DeploymentFailed) -> str:
    serving = f"v{event.still_serving} still serves" if event.still_serving else "nothing serves"
    return f"{event.deployment} v{event.version}  {event.cause.replace('_', ' ')}: {event.message} ({serving})"


@describe.register
def _(event: CanaryStarted) -> str:
    if event.steps[0] == 0:
        return f"{event.deployment} v{event.version} gets copies of the requests, v{event.against} answers them"
    return f"{event.deployment} v{event.version} gets {event.steps[0]:.0%} of the requests, v{event.against} the others"


@describe.register
def _(event: CanaryJudged) -> str:
    verdict = {"advance": "goes on", "finish": "has passed", "roll_back": "is worse"}[event.verdict]
    step = f"step {event.step} of {event.steps}, {f'{event.weight:.0%}' if event.weight else 'shadow'}"
    return f"{event.deployment} v{event.version} {verdict} ({step}): {event.detail}"


@describe.register
def _(event: DeploymentRolledBack) -> str:
    return f"{event.deployment} v{event.version} -> v{event.serving} by {event.by}: {event.reason}"


@describe.register
def _(event: DeploymentScaled) -> str:
    measured = [] if event.rate is None else [f"{event.rate:,.0f}/s"]
    measured += [] if event.p99_ms is None else [f"p99 {event.p99_ms:,.0f} ms"]
    return f"{event.deployment} {event.before} -> {event.replicas} replicas: {', '.join(measured) or event.detail}"


@describe.register
def _(event: WindowMeasured) -> str:
    p99 = f"  p99 {event.latency_p99_ms:.1f} ms" if event.latency_p99_ms is not None else ""
    return (
        f"{event.deployment} v{event.version}  {event.rows:,} predictions, {event.errors} errors,"
        f" {event.rate:.0f}/s{p99}  {event.outcome.replace('_', ' ')}{_labelled(event)}"
    )


def _labelled(event: WindowMeasured) -> str:
    if not event.labelled:
        return ""
    numbers = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in sorted(event.quality.items()))
    return f"  {event.labelled:,} labels{': ' if numbers else ''}{numbers}"


@describe.register
def _(event: FeedbackRecorded) -> str:
    return f"{event.deployment}  {len(event.request_ids):,} labels from {event.source}"


@describe.register
def _(event: DriftDetected) -> str:
    worst = sorted((f for f in event.features if f.drifted), key=lambda f: f.p_value)
    names = ", ".join(f"{f.feature} ({f.statistic:.2f})" for f in worst[:3])
    more = f" and {len(worst) - 3} more" if len(worst) > 3 else ""
    return f"{event.deployment} v{event.version}  {names}{more}, by {event.engine}"


@describe.register
def _(event: PerformanceDegraded) -> str:
    now = f"{event.value.value:.3f} [{event.value.low:.3f}, {event.value.high:.3f}]"
    return (
        f"{event.deployment} v{event.version}  {event.metric.replace('_', ' ')} {now}, was {event.baseline:.3f},"
        f" by {event.labelled:,} labels"
    )


@describe.register
def _(event: AlertRaised) -> str:
    return f"{event.about}  {event.severity}: {event.title}"


@describe.register
def _(event: AlertResolved) -> str:
    return f"{event.about}  {event.detail}"


@describe.register
def _(event: DeadLettered) -> str:
    if (decision := event.decision) is not None:
        return f"{event.topic} {event.key} {decision.kind} by {decision.by}: {decision.reason}".rstrip(": ")
    return f"{event.topic} {event.key}: {event.reason}"


@describe.register
def _(event: TroubleReported) -> str:
    return event.title if event.state == "began" else f"over: {event.title} ({event.detail})"


@describe.register
def _(event: AutomationFrozen) -> str:
    return f"{event.what} of {event.workflow or 'all workflows'} by {event.by}: {event.reason}"


@describe.register
def _(event: AutomationUnfrozen) -> str:
    return f"{event.what} of {event.workflow or 'all workflows'} by {event.by}: {event.reason}"


@describe.register
def _(event: PromotionDeferred) -> str:
    return f"{event.model} v{event.version} waits: promotion is frozen by {event.by} ({event.reason})"


@describe.register
def _(event: BatchRequested) -> str:
    version = f" v{event.version}" if event.version else ""
    return f"{event.batch}  {event.deployment}{version} is to score {event.input.size:,} bytes for {event.by}"


@describe.register
def _(event: BatchCompleted) -> str:
    refused = f", {event.failed_rows:,} of them refused" if event.failed_rows else ""
    scored = f"{event.deployment} v{event.version} scored {event.rows:,} rows{refused}"
    return f"{event.batch}  {scored}  {event.seconds:.1f} s"


@describe.register
def _(event: BatchFailed) -> str:
    return f"{event.batch}  {event.deployment}  {event.cause.replace('_', ' ')}: {event.message.splitlines()[0]}"
