"""What the monitor does when a workflow is applied, a version is deployed, or a deployment fails."""

from dataclasses import dataclass, replace
from datetime import timedelta

from murmur_events.deployments import CanaryStarted, DeploymentFailed, ModelDeployed
from murmur_events.models import VersionState
from murmur_events.troubles import TroubleReported
from murmur_events.workflows import WorkflowApplied
from murmur_monitor import alerting
from murmur_monitor.domain import alerts
from murmur_monitor.domain.alerts import AlertStatus
from murmur_monitor.domain.episodes import Watch
from murmur_monitor.domain.windows import Calendar, as_millis
from murmur_monitor.repository import KnownVersion, MonitorUnitOfWork, QualityRules, Told, WorkflowRules, version_id

_COMMIT_MARGIN = timedelta(seconds=5)


@dataclass(frozen=True)
class Workflows:
    """clock_skew: how far in the future a prediction's time may lie."""

    clock_skew: timedelta

    async def remember(self, event: WorkflowApplied, uow: MonitorUnitOfWork) -> None:
        """Keep how a workflow wants to be watched. Windows that have begun keep their length.

        A new length counts from a border so far ahead that no row beyond it was folded with the old one: it would move
        to another window.
        """
        known = await uow.rules.get(event.workflow)
        if known is not None and known.revision >= event.revision:
            return
        monitoring = event.definition.monitoring
        if known is None:
            calendar = Calendar.of(monitoring.window)
        else:
            after = as_millis(uow.now + self.clock_skew + _COMMIT_MARGIN)
            calendar = known.calendar.changed(monitoring.window, after=after)
        uow.rules.save(
            WorkflowRules(
                workflow=event.workflow,
                revision=event.revision,
                calendar=calendar,
                min_rows=monitoring.min_rows,
                error_rate=monitoring.drift.p_value,
                engine=monitoring.drift.engine,
                quality=QualityRules(
                    metric=monitoring.quality.metric,
                    max_loss=monitoring.quality.max_loss,
                    min_labelled=monitoring.quality.min_labelled,
                    confidence=monitoring.quality.confidence,
                    label_delay=monitoring.quality.label_delay,
                ),
            )
        )


async def watch_version(event: ModelDeployed, uow: MonitorUnitOfWork) -> None:
    """From now on this version is the one whose windows tell. An open episode stays open until one of them is good.

    Heard after what came later, the version is known and does not serve any more.
    """
    state = event.state
    await know_version(event.deployment, state, uow)
    told = await uow.told.get(event.deployment) or Told(event.deployment)
    if _sequence(uow) < told.sequence:
        return
    watch = await uow.watches.get(event.deployment)
    if watch is None:
        watch = Watch(event.deployment, event.model, state.workflow, event.version, uow.now)
    uow.watches.save(watch.serving(event.version, since=uow.now))
    uow.told.save(replace(told, version=event.version, sequence=_sequence(uow)))
    for alert in await alerting.raised(uow, event.deployment):
        if alerts.ends_with_next_version(alert.id):
            alerting.resolve(uow, alert, f"version {event.version} serves")


async def watch_canary(event: CanaryStarted, uow: MonitorUnitOfWork) -> None:
    """Its windows are measured, tested and judged beside those of the version that serves.

    They begin and end no episode, since only those of the serving version do.
    """
    await know_version(event.deployment, event.state, uow)


async def know_version(deployment: str, state: VersionState, uow: MonitorUnitOfWork) -> None:
    """Remember what windows of a version are compared with; what its labels have shown so far stays its baseline."""
    await uow.rules.require(state.workflow)
    before = await uow.versions.get(version_id(deployment, state.version))
    inputs = state.artifacts.signature.inputs
    uow.versions.save(
        KnownVersion(
            deployment=deployment,
            version=state.version,
            workflow=state.workflow,
            reference=state.artifacts.reference,
            columns=tuple(column.name for column in inputs),
            categories=tuple(column.name for column in inputs if column.dtype == "category"),
            baseline=None if before is None else before.baseline,
        )
    )


async def alert_trouble(event: TroubleReported, uow: MonitorUnitOfWork) -> None:
    """What a service cannot get over by itself is an alert until it has."""
    alert_id = alerts.trouble(event.service, event.trouble)
    match event.state:
        case "began":
            await alerting.raise_once(
                uow,
                alert_id,
                event.about,
                told_by=event.service,
                severity=event.severity,
                title=event.title,
                detail=event.detail,
            )
        case "ended":
            alert = await uow.alerts.get(alert_id)
            if alert is not None and alert.status is AlertStatus.RAISED:
                alerting.resolve(uow, alert, event.detail)


async def alert_failure(event: DeploymentFailed, uow: MonitorUnitOfWork) -> None:
    """Tell people that a version does not serve; over when any version is deployed, be it that this was heard first."""
    told = await uow.told.get(event.deployment) or Told(event.deployment)
    uow.told.save(told)
    serving = "nothing serves" if event.still_serving is None else f"version {event.still_serving} still serves"
    alert_id = alerts.failed_deployment(event.deployment, event.version)
    await alerting.raise_once(
        uow,
        alert_id,
        event.deployment,
        severity="critical" if event.still_serving is None else "warning",
        title=f"{event.deployment} version {event.version} was not deployed: {event.cause}",
        detail=f"{event.message} ({serving})",
    )
    if _sequence(uow) < told.sequence:
        alerting.resolve(uow, await uow.alerts.require(alert_id), f"version {told.version} serves")


def _sequence(uow: MonitorUnitOfWork) -> int:
    """The place of the event being handled in the history of its deployment."""
    return uow.cause.sequence if uow.cause else 0
