"""What is asked of the monitor's documents, by its own scan and by REST."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from murmur_kernel.documents import Page
from murmur_kernel.errors import Missing
from murmur_kernel.unit_of_work import Collection
from murmur_monitor.domain.alerts import Alert, AlertStatus
from murmur_monitor.domain.degradation import Degradation
from murmur_monitor.domain.episodes import Drift, Episode, Outcome, Watch
from murmur_monitor.domain.measured import MeasuredWindow, window_id
from murmur_monitor.domain.windows import Calendar
from murmur_monitor.repository import (
    WATCHES,
    KnownVersion,
    MonitorUnitOfWork,
    QualityRules,
    WorkflowRules,
    version_id,
)

E = TypeVar("E", bound=Episode)


@dataclass(frozen=True)
class TermsOf:
    """Asks on which terms a window is judged."""

    deployment: str
    version: int
    start: datetime


@dataclass(frozen=True)
class Terms:
    """None where the version was not announced yet. `recorded_rows`: of the window's newest revision, 0 without one."""

    version: KnownVersion | None
    rules: WorkflowRules | None
    recorded_rows: int


@dataclass(frozen=True)
class Watched:
    """How a deployment's time is cut into windows, and how its labels are judged."""

    calendar: Calendar
    quality: QualityRules


@dataclass(frozen=True)
class PageOf:
    """One page, newest first; of one deployment where it is named."""

    limit: int
    cursor: str | None
    deployment: str | None = None
    outcome: Outcome | None = None
    status: AlertStatus | None = None


async def terms_of(query: TermsOf, uow: MonitorUnitOfWork) -> Terms:
    version = await uow.versions.get(version_id(query.deployment, query.version))
    rules = None if version is None else await uow.rules.require(version.workflow)
    window = await uow.windows.get(window_id(query.deployment, query.version, query.start))
    return Terms(version, rules, 0 if window is None else window.statistics.rows)


async def calendar_of(deployment: str, uow: MonitorUnitOfWork) -> Calendar | None:
    """How the deployment's time is cut into windows; None before its first version was announced."""
    watch = await uow.watches.get(deployment)
    return None if watch is None else (await uow.rules.require(watch.workflow)).calendar


async def watched(deployment: str, uow: MonitorUnitOfWork) -> Watched | None:
    """None before its first version was announced."""
    watch = await uow.watches.get(deployment)
    if watch is None:
        return None
    rules = await uow.rules.require(watch.workflow)
    return Watched(rules.calendar, rules.quality)


async def label_delay_of(deployment: str, uow: MonitorUnitOfWork) -> timedelta:
    """How long its labels may take; the default before its first version was announced."""
    terms = await watched(deployment, uow)
    return QualityRules().label_delay if terms is None else terms.quality.label_delay


async def is_recorded(query: TermsOf, uow: MonitorUnitOfWork) -> bool:
    """Whether the window has closed and is known."""
    return await measured_window(query, uow) is not None


async def measured_window(query: TermsOf, uow: MonitorUnitOfWork) -> MeasuredWindow | None:
    """Its newest revision; None before it has closed."""
    return await uow.windows.get(window_id(query.deployment, query.version, query.start))


async def list_deployments(query: PageOf, uow: MonitorUnitOfWork) -> Page[Watch]:
    return await uow.watches.find(order_by="deployment", limit=query.limit, cursor=query.cursor)


async def require_deployment(deployment: str, uow: MonitorUnitOfWork) -> Watch:
    """Raises Missing for a deployment that is not watched."""
    return await uow.watches.require(deployment)


async def list_windows(query: PageOf, uow: MonitorUnitOfWork) -> Page[MeasuredWindow]:
    """Raises Missing for a deployment that is not watched."""
    if query.deployment is not None and await uow.watches.get(query.deployment) is None:
        raise Missing(WATCHES.name, query.deployment)
    where = {"deployment": query.deployment, "outcome": query.outcome}
    return await uow.windows.find(
        where={name: value for name, value in where.items() if value is not None},
        order_by="start",
        descending=True,
        limit=query.limit,
        cursor=query.cursor,
    )


async def list_episodes(query: PageOf, uow: MonitorUnitOfWork) -> Page[Drift]:
    return await _newest(uow.episodes, query)


async def list_degradations(query: PageOf, uow: MonitorUnitOfWork) -> Page[Degradation]:
    return await _newest(uow.degradations, query)


async def _newest(episodes: Collection[E], query: PageOf) -> Page[E]:
    return await episodes.find(
        where={} if query.deployment is None else {"deployment": query.deployment},
        order_by="opened_at",
        descending=True,
        limit=query.limit,
        cursor=query.cursor,
    )


async def list_alerts(query: PageOf, uow: MonitorUnitOfWork) -> Page[Alert]:
    where = {"deployment": query.deployment, "status": query.status}
    return await uow.alerts.find(
        where={name: value for name, value in where.items() if value is not None},
        order_by="raised_at",
        descending=True,
        limit=query.limit,
        cursor=query.cursor,
    )
