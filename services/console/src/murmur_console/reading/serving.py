"""Reads how a version serves and is watched: roll-outs, windows, drift, alerts; and what could not be handled."""

from murmur_console.domain.facts import Tone, Work, WorkKind
from murmur_console.reading.reading import Reading, first_line, read
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
from murmur_events.monitoring import AlertRaised, AlertResolved, DriftDetected, PerformanceDegraded, WindowMeasured
from murmur_events.serving import FeedbackRecorded
from murmur_events.troubles import TroubleReported


@read.register
def _(event: AutomationFrozen) -> Reading:
    return Reading(
        label=f"{event.what} frozen",
        headline=f"{event.what} of {event.workflow or 'all workflows'} frozen by {event.by}: {event.reason}",
        tone=Tone.CAUTION,
        workflow=event.workflow,
    )


@read.register
def _(event: AutomationUnfrozen) -> Reading:
    return Reading(
        label=f"{event.what} free",
        headline=f"{event.what} of {event.workflow or 'all workflows'} unfrozen by {event.by}: {event.reason}",
        workflow=event.workflow,
    )


@read.register
def _(event: ModelDeployed) -> Reading:
    left = f", v{event.replaces} drained" if event.replaces else ""
    return Reading(
        label=f"v{event.version} serves",
        headline=f"{event.deployment} v{event.version} answers at {event.endpoint}{left}",
        workflow=event.state.workflow,
        model=event.model,
        version=event.version,
        closes=(Work(WorkKind.ROLLOUT, f"{event.model}/{event.version}"),),
    )


@read.register
def _(event: DeploymentFailed) -> Reading:
    cause = event.cause.replace("_", " ")
    serving = f"v{event.still_serving} still serves" if event.still_serving else "nothing serves"
    return Reading(
        label=cause,
        headline=f"{event.deployment} v{event.version}, {cause}: {first_line(event.message)} ({serving})",
        tone=Tone.CAUTION if event.cause == "superseded" else Tone.TROUBLE,
        model=event.model,
        version=event.version,
        closes=(Work(WorkKind.ROLLOUT, f"{event.model}/{event.version}"),),
    )


@read.register
def _(event: CanaryStarted) -> Reading:
    share = f"{event.steps[0]:.0%} of the requests" if event.steps[0] else "copies of the requests"
    return Reading(
        label=f"v{event.version} canary" if event.steps[0] else f"v{event.version} shadow",
        headline=f"{event.deployment} v{event.version} gets {share} and is compared with v{event.against}",
        workflow=event.state.workflow,
        model=event.model,
        version=event.version,
    )


@read.register
def _(event: CanaryJudged) -> Reading:
    words = {"advance": "no worse so far", "finish": "passed", "roll_back": "worse"}
    return Reading(
        label=words[event.verdict],
        headline=f"{event.deployment} v{event.version}, step {event.step} of {event.steps} at"
        f" {event.weight:.0%}, {words[event.verdict]}: {event.detail}",
        tone=Tone.CAUTION if event.verdict == "roll_back" else Tone.PLAIN,
        model=event.model,
        version=event.version,
    )


@read.register
def _(event: DeploymentRolledBack) -> Reading:
    return Reading(
        label="rolled back",
        headline=f"{event.deployment} goes back from v{event.version} to v{event.serving}, by {event.by}:"
        f" {event.reason}",
        tone=Tone.CAUTION,
        model=event.model,
        version=event.version,
        closes=(Work(WorkKind.ROLLOUT, f"{event.model}/{event.version}"),),
    )


@read.register
def _(event: DeploymentScaled) -> Reading:
    return Reading(
        label=f"{event.replicas} replicas",
        headline=f"{event.deployment} v{event.version} goes from {event.before} to {event.replicas} replicas:"
        f" {event.detail}",
        model=event.model,
        version=event.version,
    )


@read.register
def _(event: WindowMeasured) -> Reading:
    outcome = event.outcome.replace("_", " ")
    p99 = f", p99 {event.latency_p99_ms:.1f} ms" if event.latency_p99_ms is not None else ""
    return Reading(
        label=outcome,
        tone=Tone.CAUTION if event.outcome == "not_tested" else Tone.PLAIN,
        headline=f"{event.deployment} v{event.version}: {event.rows:,} predictions, {event.errors} errors{p99},"
        f" {outcome}" + (f": {event.detail}" if event.detail else "") + _quality(event),
        model=event.model,
        version=event.version,
        repeats=f"{event.deployment} {event.version} {event.outcome}",
    )


def _quality(event: WindowMeasured) -> str:
    if not event.labelled:
        return ""
    numbers = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in sorted(event.quality.items()))
    return f"; {event.labelled:,} labels" + (f": {numbers}" if numbers else "")


@read.register
def _(event: FeedbackRecorded) -> Reading:
    return Reading(
        label=f"{len(event.request_ids):,} labels",
        headline=f"{event.deployment}: {len(event.request_ids):,} labels from {event.source}",
        model=event.deployment,
    )


@read.register
def _(event: DriftDetected) -> Reading:
    drifted = sorted((feature for feature in event.features if feature.drifted), key=lambda feature: feature.p_value)
    names = ", ".join(feature.feature for feature in drifted[:3])
    more = f" and {len(drifted) - 3} more" if len(drifted) > 3 else ""
    return Reading(
        label="drift",
        headline=f"{event.deployment} v{event.version} drifted in {names}{more}, found by {event.engine}",
        tone=Tone.CAUTION,
        workflow=event.workflow,
        model=event.model,
        version=event.version,
    )


@read.register
def _(event: PerformanceDegraded) -> Reading:
    metric = event.metric.replace("_", " ")
    return Reading(
        label=f"worse {metric}",
        headline=f"{event.deployment} v{event.version} has become worse: {event.detail}",
        tone=Tone.CAUTION,
        workflow=event.workflow,
        model=event.model,
        version=event.version,
    )


@read.register
def _(event: AlertRaised) -> Reading:
    return Reading(
        label="alert",
        headline=f"{event.about}, {event.severity}: {event.title}. {event.detail}",
        tone=Tone.TROUBLE if event.severity == "critical" else Tone.CAUTION,
        model=event.about,
    )


@read.register
def _(event: AlertResolved) -> Reading:
    return Reading(label="resolved", headline=f"{event.about}: alert over, {event.detail}", model=event.about)


@read.register
def _(event: TroubleReported) -> Reading:
    began = event.state == "began"
    return Reading(
        label="trouble" if began else "over",
        headline=f"{event.title}: {event.detail}",
        tone=Tone.CAUTION if began else Tone.PLAIN,
        model=event.about,
    )


@read.register
def _(event: DeadLettered) -> Reading:
    if (decision := event.decision) is not None:
        reason = f": {decision.reason}" if decision.reason else ""
        return Reading(
            label=f"{decision.kind} by {decision.by}",
            headline=f"dead letter of {event.service}, {event.topic} {event.key}, {decision.kind} by"
            f" {decision.by}{reason}",
        )
    return Reading(
        label="dead letter",
        headline=f"{event.service} could not handle {event.topic} {event.key}: {first_line(event.reason)}",
        tone=Tone.TROUBLE,
    )


@read.register
def _(event: BatchRequested) -> Reading:
    return Reading(
        label="batch",
        headline=f"batch {event.batch} of {event.deployment} asked for by {event.by}, {event.input.size:,} bytes",
        model=event.deployment,
        version=event.version,
        opens=(Work(WorkKind.BATCH, event.batch),),
    )


@read.register
def _(event: BatchCompleted) -> Reading:
    refused = f", {event.failed_rows:,} refused" if event.failed_rows else ""
    return Reading(
        label=f"{event.rows:,} rows",
        headline=f"batch {event.batch}: {event.deployment} v{event.version} scored {event.rows:,} rows{refused},"
        f" {event.seconds:.1f} s",
        tone=Tone.CAUTION if event.failed_rows else Tone.PLAIN,
        model=event.model,
        version=event.version,
        closes=(Work(WorkKind.BATCH, event.batch),),
    )


@read.register
def _(event: BatchFailed) -> Reading:
    cause = event.cause.replace("_", " ")
    return Reading(
        label=cause,
        headline=f"batch {event.batch} of {event.deployment}, {cause}: {first_line(event.message)}"
        f" ({event.rows_done:,} rows were done)",
        tone=Tone.CAUTION if event.cause == "cancelled" else Tone.TROUBLE,
        model=event.deployment,
        version=event.version,
        closes=(Work(WorkKind.BATCH, event.batch),),
    )
