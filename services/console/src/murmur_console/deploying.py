"""Folds what is told of deployments into their histories: what serves, canaries, sizes, windows, batches."""

from dataclasses import replace
from functools import singledispatch
from operator import attrgetter

from murmur_console.domain.deployments import (
    AspectTest,
    Batch,
    BatchState,
    CanaryStart,
    Degradation,
    Deployed,
    Drift,
    Failed,
    InputColumn,
    Judgement,
    Release,
    RolledBack,
    Scaled,
    Spread,
    Window,
)
from murmur_console.domain.estate import Estate
from murmur_console.domain.history import remember
from murmur_events import Envelope, Event
from murmur_events.batches import BatchCompleted, BatchFailed, BatchRequested
from murmur_events.deployments import (
    CanaryJudged,
    CanaryStarted,
    DeploymentFailed,
    DeploymentRolledBack,
    DeploymentScaled,
    ModelDeployed,
)
from murmur_events.models import VersionState
from murmur_events.monitoring import DriftDetected, PerformanceDegraded, WindowMeasured

_AT = attrgetter("at")


def fold(estate: Estate, envelope: Envelope) -> None:
    """Each event once; topics in any order."""
    _fold(envelope.event, estate, envelope)


@singledispatch
def _fold(event: Event, estate: Estate, envelope: Envelope) -> None:
    """Most events say nothing of a deployment."""


@_fold.register
def _(event: ModelDeployed, estate: Estate, envelope: Envelope) -> None:
    history = estate.history(event.deployment)
    history.model = event.model
    deployed = Deployed(
        at=envelope.time,
        version=event.version,
        replaces=event.replaces,
        release=_release(event.state),
        endpoint=event.endpoint,
        chain=envelope.correlation_id,
    )
    remember(history.deployed, deployed, at=_AT)


@_fold.register
def _(event: CanaryStarted, estate: Estate, envelope: Envelope) -> None:
    start = CanaryStart(
        at=envelope.time,
        version=event.version,
        against=event.against,
        steps=event.steps,
        release=_release(event.state),
        chain=envelope.correlation_id,
    )
    history = estate.history(event.deployment)
    history.model = event.model
    remember(history.canaries, start, at=_AT)


@_fold.register
def _(event: CanaryJudged, estate: Estate, envelope: Envelope) -> None:
    judgement = Judgement(
        at=envelope.time,
        version=event.version,
        step=event.step,
        steps=event.steps,
        weight=event.weight,
        verdict=event.verdict,
        rows=event.rows,
        stable_rows=event.stable_rows,
        tests=tuple(AspectTest(**test.model_dump()) for test in event.tests),
        detail=event.detail,
        chain=envelope.correlation_id,
    )
    remember(estate.history(event.deployment).judgements, judgement, at=_AT)


@_fold.register
def _(event: DeploymentRolledBack, estate: Estate, envelope: Envelope) -> None:
    back = RolledBack(
        at=envelope.time,
        version=event.version,
        serving=event.serving,
        by=event.by,
        cause=event.cause,
        reason=event.reason,
        chain=envelope.correlation_id,
    )
    remember(estate.history(event.deployment).rolled_back, back, at=_AT)


@_fold.register
def _(event: DeploymentFailed, estate: Estate, envelope: Envelope) -> None:
    failed = Failed(
        at=envelope.time,
        version=event.version,
        cause=event.cause.replace("_", " "),
        message=event.message,
        chain=envelope.correlation_id,
    )
    remember(estate.history(event.deployment).failed, failed, at=_AT)


@_fold.register
def _(event: DeploymentScaled, estate: Estate, envelope: Envelope) -> None:
    scaled = Scaled(
        at=envelope.time,
        version=event.version,
        before=event.before,
        replicas=event.replicas,
        cause=event.cause,
        detail=event.detail,
        rate=event.rate,
        p99_ms=event.p99_ms,
        chain=envelope.correlation_id,
    )
    remember(estate.history(event.deployment).scaled, scaled, at=_AT)


@_fold.register
def _(event: WindowMeasured, estate: Estate, envelope: Envelope) -> None:
    interval = event.quality_interval
    estate.history(event.deployment).measure(
        Window(
            start=event.start,
            end=event.end,
            revision=event.revision,
            version=event.version,
            rows=event.rows,
            errors=event.errors,
            rate=event.rate,
            latency_p50_ms=event.latency_p50_ms,
            latency_p99_ms=event.latency_p99_ms,
            output_mean=event.output_mean,
            outcome=event.outcome,
            detail=event.detail,
            labelled=event.labelled,
            quality=dict(event.quality),
            quality_interval=Spread(interval.value, interval.low, interval.high) if interval else None,
            quality_detail=event.quality_detail,
        )
    )


@_fold.register
def _(event: DriftDetected, estate: Estate, envelope: Envelope) -> None:
    drifted = sorted((feature for feature in event.features if feature.drifted), key=lambda feature: feature.p_value)
    drift = Drift(
        at=envelope.time,
        start=event.start,
        end=event.end,
        version=event.version,
        features=tuple(feature.feature for feature in drifted),
        engine=event.engine,
        chain=envelope.correlation_id,
    )
    remember(estate.history(event.deployment).drifts, drift, at=_AT)


@_fold.register
def _(event: PerformanceDegraded, estate: Estate, envelope: Envelope) -> None:
    degradation = Degradation(
        at=envelope.time,
        start=event.start,
        end=event.end,
        version=event.version,
        metric=event.metric,
        detail=event.detail,
        chain=envelope.correlation_id,
    )
    remember(estate.history(event.deployment).degradations, degradation, at=_AT)


@_fold.register
def _(event: BatchRequested, estate: Estate, envelope: Envelope) -> None:
    history = estate.history(event.deployment)
    known = history.batches.get(event.batch)
    asked = Batch(id=event.batch, at=envelope.time, chain=envelope.correlation_id, version=event.version, by=event.by)
    history.note(replace(known, at=asked.at, by=asked.by) if known else asked)


@_fold.register
def _(event: BatchCompleted, estate: Estate, envelope: Envelope) -> None:
    _end_batch(
        estate,
        event,
        envelope,
        state=BatchState.DONE,
        version=event.version,
        rows=event.rows,
        refused=event.failed_rows,
        seconds=event.seconds,
    )


@_fold.register
def _(event: BatchFailed, estate: Estate, envelope: Envelope) -> None:
    cancelled = event.cause == "cancelled"
    _end_batch(
        estate,
        event,
        envelope,
        state=BatchState.CANCELLED if cancelled else BatchState.FAILED,
        version=event.version,
        rows=event.rows_done,
        message=event.message if cancelled else f"{event.cause.replace('_', ' ')}: {event.message}",
    )


def _end_batch(estate: Estate, event: BatchCompleted | BatchFailed, envelope: Envelope, **end: object) -> None:
    """Heard before it was asked for, it is kept too."""
    history = estate.history(event.deployment)
    known = history.batches.get(event.batch) or Batch(id=event.batch, at=envelope.time, chain=envelope.correlation_id)
    history.note(replace(known, ended=envelope.time, **end))  # type: ignore[arg-type]  # fields of Batch


def _release(state: VersionState) -> Release:
    artifacts = state.artifacts
    return Release(
        version=state.version,
        run=state.run_id,
        sha256=artifacts.model.sha256,
        form=artifacts.format,
        inputs=tuple(InputColumn(**column.model_dump()) for column in artifacts.signature.inputs),
        output=artifacts.signature.output,
        threshold=artifacts.threshold,
    )
