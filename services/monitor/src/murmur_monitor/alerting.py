"""Raising an alert once, and resolving it once: its document and its event in the same unit of work."""

from collections.abc import Sequence

from murmur_events.base import DeploymentName
from murmur_events.monitoring import AlertRaised, AlertResolved
from murmur_monitor.domain.alerts import Alert, AlertStatus, Severity
from murmur_monitor.repository import MonitorUnitOfWork


async def raise_once(
    uow: MonitorUnitOfWork, alert_id: str, deployment: str, *, severity: Severity, title: str, detail: str
) -> None:
    """Nothing happens while an alert of this id is raised already."""
    known = await uow.alerts.get(alert_id)
    if known is not None and known.status is AlertStatus.RAISED:
        return
    chain = uow.publish(
        AlertRaised(
            alert=alert_id, deployment=DeploymentName(deployment), severity=severity, title=title, detail=detail
        )
    )
    uow.alerts.save(
        Alert(
            id=alert_id,
            deployment=deployment,
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
    uow.publish(AlertResolved(alert=alert.id, deployment=DeploymentName(alert.deployment), detail=detail))
