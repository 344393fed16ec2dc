"""Events as people read them: one line each, aligned, coloured by service, indented by cause."""

from datetime import datetime
from functools import singledispatch

from rich.text import Text

from murmur_cli.palette import colour_of
from murmur_events import Envelope, Event
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
from murmur_events.sweeps import SweepCompleted, SweepRequested
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_events.troubles import TroubleReported
from murmur_events.validation import ValidationCompleted, ValidationRequested
from murmur_events.workflows import WorkflowApplied

_SERVICE_WIDTH = 10
_MOST_INDENT = 8


class Storyteller:
    """Turns envelopes into lines. It remembers how deep each event stands below its root."""

    def __init__(self) -> None:
        self._depths: dict[str, int] = {}

    def line(self, envelope: Envelope) -> Text:
        depth = self._depths.get(envelope.causation_id or "", -1) + 1
        self._depths[envelope.id] = depth
        service = envelope.source if envelope.source in _KNOWN else "client"
        indent = "  " * (min(depth, _MOST_INDENT) - 1) + "└ " if depth else ""
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{_local(envelope.time):%H:%M:%S}.{envelope.time.microsecond // 1000:03d}  ", style="dim")
        line.append(f"{service:<{_SERVICE_WIDTH}} ", style=colour_of(service))
        line.append(indent, style="dim")
        line.append(envelope.topic, style=f"bold {_TROUBLE.get(envelope.topic, colour_of(service))}")
        line.append(f"  {describe(envelope.event)}")
        return line


_KNOWN = frozenset({"tracking", "registry", "trainer", "validator", "deployer", "monitor", "model-server"})
_TROUBLE = {
    "run.failed": "red",
    "deployment.failed": "red",
    "batch.failed": "red",
    "deployment.rolled_back": "red",
    "model.rejected": "yellow",
    "drift.detected": "yellow",
    "performance.degraded": "yellow",
    "alert.raised": "red",
    **{f"{service}.dead-letters": "red" for service in _KNOWN},
}


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip(" ,") + "…"


def _local(time: datetime) -> datetime:
    return time.astimezone()


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


@describe.register
def _(event: RunStarted) -> str:
    again = f"  attempt {event.attempt}" if event.attempt > 1 else ""
    return f"{event.workflow}/{event.run_id}{again}"


@describe.register
def _(event: RunCompleted) -> str:
    seconds = (event.ended_at - event.started_at).total_seconds()
    told = f"  auc {event.metrics['auc']:.3f} on its own check" if "auc" in event.metrics else ""
    if event.research and "rmse" in event.metrics:
        told = f"  rmse {event.metrics['rmse']:.4g} held out"
    return f"{event.workflow}/{event.run_id}{told}  {event.dataset.train_rows:,} rows  {seconds:.1f} s"


@describe.register
def _(event: RunFailed) -> str:
    return f"{event.workflow}/{event.run_id}  {event.cause.replace('_', ' ')}: {event.message.splitlines()[0]}"


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
