"""What becomes of a model: versions, verdicts, reviews, roll-outs, what is found of it, and what people do about it."""

from murmur_cli.words.describing import describe
from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.batches import BatchCompleted, BatchFailed, BatchRequested
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
from murmur_events.registry import AliasMoved, ModelChanged, RollbackRequested, VersionChanged
from murmur_events.serving import FeedbackRecorded
from murmur_events.troubles import TroubleReported
from murmur_events.validation import ValidationCompleted, ValidationRequested


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


@describe.register
def _(event: ModelChanged) -> str:
    return f"{event.model} {'is gone' if event.deleted else 'is described anew'} by {event.by}: {event.reason}"


@describe.register
def _(event: VersionChanged) -> str:
    now = "is gone" if event.deleted else f"is in stage {event.stage}"
    return f"{event.model} v{event.version} {now}, by {event.by}: {event.reason}"


@describe.register
def _(event: AliasMoved) -> str:
    left = f" (was v{event.replaces})" if event.replaces else ""
    names = f"v{event.version}" if event.version else "no version"
    return f"{event.model} {event.alias} -> {names}{left}, by {event.by}: {event.reason}"


@describe.register
def _(event: RollbackRequested) -> str:
    to = f"v{event.to}" if event.to else "what served before"
    return f"{event.model} v{event.version} -> {to}, by {event.by}: {event.reason}"
