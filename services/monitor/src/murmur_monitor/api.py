"""The monitor by REST: what it watches, what it measured, what it found, what wants attention."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from murmur_kernel.auth import Role, allows
from murmur_kernel.service import Service
from murmur_monitor import views
from murmur_monitor.domain.alerts import AlertStatus
from murmur_monitor.domain.episodes import Outcome
from murmur_monitor.domain.labels import Label
from murmur_monitor.feedback import GiveFeedback, give_feedback
from murmur_monitor.lookup_schemas import PredictionsView
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_monitor.schemas import (
    AlertPage,
    AlertView,
    DegradationPage,
    DegradationView,
    DeploymentPage,
    DeploymentView,
    DriftPage,
    DriftView,
    Feedback,
    LabelCounts,
    Taken,
    WindowPage,
    WindowView,
)
from murmur_monitor.views import PageOf

Limit = Annotated[int, Query(ge=1, le=500)]


def router(
    service: Service[MonitorUnitOfWork],
    label_counts: Callable[[str], Awaitable[dict[str, int]]],
    look_up: Callable[[str, str], Awaitable[PredictionsView]],
    clock_skew: timedelta,
) -> APIRouter:
    """clock_skew: how far in the future a label's time may lie."""
    api = APIRouter(prefix="/v1", tags=["monitor"])

    @api.get("/deployments", dependencies=[allows(Role.VIEWER)])
    async def deployments(limit: Limit = 50, cursor: str | None = None) -> DeploymentPage:
        """Everything that is watched, by name."""
        page = await service.read(views.list_deployments, PageOf(limit, cursor))
        return DeploymentPage(items=[DeploymentView.of(watch) for watch in page.items], next=page.next)

    @api.get("/deployments/{name}/windows", dependencies=[allows(Role.VIEWER)])
    async def windows(
        name: str, limit: Limit = 50, cursor: str | None = None, outcome: Outcome | None = None
    ) -> WindowPage:
        """Closed windows of all its versions, newest first. 404 for a deployment that is not watched."""
        page = await service.read(views.list_windows, PageOf(limit, cursor, deployment=name, outcome=outcome))
        return WindowPage(items=[WindowView.of(window) for window in page.items], next=page.next)

    @api.post("/deployments/{name}/feedback", status_code=202, dependencies=[allows(Role.AUTHOR)])
    async def feedback(name: str, body: Feedback) -> Taken:
        """What became known of predictions: labels or clicks, by request id, however late. All of it or nothing.

        404 for a deployment that is not watched; 422 for a label that is no number, for one that becomes known in the
        future, for one request with two labels and for too many rows. A label that is sent again counts once, one with
        a later time replaces the former.
        """
        labels = tuple(Label(row.request_id, row.label, row.time) for row in body.rows)
        return await service.change(give_feedback, GiveFeedback(name, body.source, labels, clock_skew), answer=Taken)

    @api.get("/deployments/{name}/labels", dependencies=[allows(Role.VIEWER)])
    async def labels(name: str) -> LabelCounts:
        """What became of the labels of a deployment. 404 for one that is not watched."""
        await service.read(views.require_deployment, name)
        return LabelCounts(deployment=name, **await label_counts(name))

    @api.get("/deployments/{name}/predictions/{request_id:path}", dependencies=[allows(Role.VIEWER)])
    async def predictions(name: str, request_id: str) -> PredictionsView:
        """The answered predictions of one request id (`id#1` for its second row), with features, label and window.

        404 for a deployment that is not watched, and for an id that is not known (any more): it says how long
        predictions are kept. A row that only the label book still knows comes without features, and says why.
        """
        return await look_up(name, request_id)

    @api.get("/drifts", dependencies=[allows(Role.VIEWER)])
    async def drifts(limit: Limit = 50, cursor: str | None = None, deployment: str | None = None) -> DriftPage:
        """Episodes of drift, newest first."""
        page = await service.read(views.list_episodes, PageOf(limit, cursor, deployment=deployment))
        return DriftPage(items=[DriftView.of(episode) for episode in page.items], next=page.next)

    @api.get("/degradations", dependencies=[allows(Role.VIEWER)])
    async def degradations(
        limit: Limit = 50, cursor: str | None = None, deployment: str | None = None
    ) -> DegradationPage:
        """Episodes of fallen quality, newest first."""
        page = await service.read(views.list_degradations, PageOf(limit, cursor, deployment=deployment))
        return DegradationPage(items=[DegradationView.of(episode) for episode in page.items], next=page.next)

    @api.get("/alerts", dependencies=[allows(Role.VIEWER)])
    async def alerts(
        limit: Limit = 50,
        cursor: str | None = None,
        deployment: str | None = None,
        status: AlertStatus | None = None,
    ) -> AlertPage:
        """Alerts, newest first."""
        page = await service.read(views.list_alerts, PageOf(limit, cursor, deployment=deployment, status=status))
        return AlertPage(items=[AlertView.of(alert) for alert in page.items], next=page.next)

    return api
