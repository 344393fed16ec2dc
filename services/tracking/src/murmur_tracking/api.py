"""Tracking's REST door: it parses, asks, returns a schema. Nothing can be changed through it."""

from typing import Annotated

from fastapi import APIRouter, Query

from murmur_kernel.auth import Role, allows
from murmur_kernel.service import Service
from murmur_tracking import views
from murmur_tracking.domain.runs import RunStatus
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.schemas import LinePage, PointPage, RunDetailView, RunPage
from murmur_tracking.views import Sort

Limit = Annotated[int, Query(ge=1, le=500, description="items a page")]
LongLimit = Annotated[int, Query(ge=1, le=5000, description="items a page")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]


def router(service: Service[TrackingUnitOfWork]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["tracking"])

    @api.get("/runs", dependencies=[allows(Role.VIEWER)])
    async def list_runs(
        workflow: str | None = None,
        status: RunStatus | None = None,
        trigger: str | None = None,
        sort: Sort = Sort.NEWEST,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> RunPage:
        """Runs, newest first unless sorted otherwise."""
        query = views.ListRuns(workflow=workflow, status=status, trigger=trigger, sort=sort, limit=limit, cursor=cursor)
        return await service.read(views.list_runs, query)

    @api.get("/runs/{run_id}", dependencies=[allows(Role.VIEWER)])
    async def show_run(run_id: str) -> RunDetailView:
        """One run: parameters, provenance, dataset, metrics, result; whose workspace it is, the answer says."""
        return await service.read(views.show_run, run_id)

    @api.get("/runs/{run_id}/metrics", dependencies=[allows(Role.VIEWER)])
    async def list_points(
        run_id: str, name: str | None = None, limit: LongLimit = 500, cursor: Cursor = None
    ) -> PointPage:
        """The history of its metrics, or of the one named, as logged."""
        query = views.ReadBatches(run_id=run_id, metric=name, limit=limit, cursor=cursor)
        return await service.read(views.list_points, query)

    @api.get("/runs/{run_id}/lines", dependencies=[allows(Role.VIEWER)])
    async def list_lines(run_id: str, limit: LongLimit = 500, cursor: Cursor = None) -> LinePage:
        """What train.py printed."""
        query = views.ReadBatches(run_id=run_id, limit=limit, cursor=cursor)
        return await service.read(views.list_lines, query)

    return api
