"""Raising an alert once, and resolving it once: its document and its event in the same unit of work."""

from collections.abc import Sequence

from murmur_events.base import DeploymentName
from murmur_events.monitoring import AlertRaised, AlertResolved
from murmur_monitor.domain.alerts import Alert, AlertStatus, Severity
from murmur_monitor.repository import MonitorUnitOfWork

MONITOR = "monitor"


async def raise_once(
    uow: MonitorUnitOfWork,
    alert_id: str,
    about: str,
    *,
    severity: Severity,
    title: str,
    detail: str,
    told_by: str | None = None,
) -> None:
    """Nothing happens while an alert of this id is raised already.

    about: a deployment, or what the service `told_by` has trouble with
    """
    known = await uow.alerts.get(alert_id)
    if known is not None and known.status is AlertStatus.RAISED:
        return
    deployment = about if told_by is None else None
    service = told_by or MONITOR
    chain = uow.publish(
        AlertRaised(
            alert=alert_id,
            about=about,
            deployment=DeploymentName(deployment) if deployment else None,
            service=service,
            severity=severity,
            title=title,
            detail=detail,
        )
    )
    uow.alerts.save(
        Alert(
            id=alert_id,
            about=about,
            deployment=deployment,
            service=service,
            severity=severity,
            title=title,
            detail=detail,
            raised_at=uow.now,
            correlation_id=chain.correlation_id,
            cause=chain.causation_id,
        )
    )


async def raised(uow: MonitorUnitOfWork, deployment: str) -> Sequence[Alert]:
    """The deployment's alerts that are not resolved yet."""
    page = await uow.alerts.find(where={"deployment": deployment, "status": AlertStatus.RAISED}, limit=200)
    return page.items


def resolve(uow: MonitorUnitOfWork, alert: Alert, detail: str) -> None:
    uow.alerts.save(alert.resolved(uow.now))
    deployment = DeploymentName(alert.deployment) if alert.deployment else None
    uow.publish(AlertResolved(alert=alert.id, about=alert.about, deployment=deployment, detail=detail))
