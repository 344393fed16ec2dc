"""What may be asked of the history of runs; nothing here changes anything."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from murmur_kernel.documents import Page
from murmur_kernel.errors import Missing
from murmur_tracking import workspaces
from murmur_tracking.client_runs import workspace_of
from murmur_tracking.domain.runs import Run, RunStatus
from murmur_tracking.paging import unpacked_page
from murmur_tracking.repository import RUNS, Batch, TrackingUnitOfWork, attempt_of
from murmur_tracking.schemas import LinePage, PointPage, RunDetailView, RunPage, point_view, run_detail_view, run_view

T = TypeVar("T")

BATCHES_AT_ONCE = 50
"""How many batches are read at a time to fill a page of points or lines."""


class Sort(StrEnum):
    """A field; with - before it, the largest first."""

    NEWEST = "-started_at"
    OLDEST = "started_at"
    LAST_ENDED = "-ended_at"
    FIRST_ENDED = "ended_at"
    WORKFLOW = "workflow"
    STATUS = "status"


@dataclass(frozen=True, kw_only=True)
class ListRuns:
    workflow: str | None = None
    status: RunStatus | None = None
    trigger: str | None = None
    sort: Sort = Sort.NEWEST
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReadBatches:
    """metric: only the points of this one."""

    run_id: str
    metric: str | None = None
    limit: int = 500
    cursor: str | None = None


async def list_runs(query: ListRuns, uow: TrackingUnitOfWork) -> RunPage:
    wanted = {
        "workflow": query.workflow,
        "status": query.status.value if query.status else None,
        "trigger_kind": query.trigger,
    }
    found: list[Run] = []
    cursor = query.cursor
    while True:
        page = await uow.runs.find(
            where={name: value for name, value in wanted.items() if value is not None},
            order_by=query.sort.removeprefix("-"),
            descending=query.sort.startswith("-"),
            limit=query.limit - len(found),
            cursor=cursor,
        )
        found += [run for run in page.items if await workspaces.is_there(run, uow)]
        cursor = page.next
        if cursor is None or len(found) == query.limit:
            return RunPage(items=[run_view(run) for run in found], next=cursor)


async def show_run(run_id: str, uow: TrackingUnitOfWork) -> RunDetailView:
    """Raises Missing."""
    return run_detail_view(await _require(run_id, uow))


async def list_points(query: ReadBatches, uow: TrackingUnitOfWork) -> PointPage:
    """In the order in which they were logged. Raises Missing."""

    def points(batch: Batch) -> Sequence[tuple[str, int, int, float]]:
        return [point for point in batch.points.each() if query.metric in (None, point[0])]

    page = await _read(query, points, uow)
    return PointPage(items=[point_view(*point) for point in page.items], next=page.next)


async def all_points(run: Run, metric: str, uow: TrackingUnitOfWork) -> list[tuple[str, int, int, float]]:
    """Name, step, time and value of each point of a metric, as they were logged."""
    return [point async for point in each_point(run, uow, metric=metric)]


async def each_point(
    run: Run, uow: TrackingUnitOfWork, *, metric: str | None = None
) -> AsyncIterator[tuple[str, int, int, float]]:
    """Name, step, time and value of each point, or of those of one metric, as they were logged."""
    cursor: str | None = None
    while True:
        page = await _batches(run, cursor, uow)
        for batch in page.items:
            if metric is None or metric in batch.points.names:
                for point in batch.points.each():
                    if metric in (None, point[0]):
                        yield point
        if (cursor := page.next) is None:
            return


async def list_lines(query: ReadBatches, uow: TrackingUnitOfWork) -> LinePage:
    """In the order in which they were printed. Raises Missing."""
    page = await _read(query, lambda batch: batch.lines, uow)
    return LinePage(items=list(page.items), next=page.next)


async def require_in(workspace: str, run_id: str, uow: TrackingUnitOfWork) -> Run:
    """workspace: as it is kept now. Raises Missing, also for a run of another one, or of one that was dropped."""
    run = await uow.runs.require(run_id)
    if workspace_of(run) != workspace:
        raise Missing(RUNS.name, run_id)
    return run


async def _require(run_id: str, uow: TrackingUnitOfWork) -> Run:
    """Raises Missing, also for a run of a workspace that was dropped."""
    run = await uow.runs.require(run_id)
    if not await workspaces.is_there(run, uow):
        raise Missing(RUNS.name, run_id)
    return run


async def _read(query: ReadBatches, unpack: Callable[[Batch], Sequence[T]], uow: TrackingUnitOfWork) -> Page[T]:
    """Of the newest attempt that did anything: what an attempt before it said was lost with its worker."""
    run = await _require(query.run_id, uow)

    async def fetch(cursor: str | None) -> Page[Batch]:
        return await _batches(run, cursor, uow)

    return await unpacked_page(fetch, unpack, limit=query.limit, cursor=query.cursor)


async def _batches(run: Run, cursor: str | None, uow: TrackingUnitOfWork) -> Page[Batch]:
    return await uow.batches.find(
        where={"run_id": run.run_id, "attempt": attempt_of(run)},
        order_by="sequence",
        limit=BATCHES_AT_ONCE,
        cursor=cursor,
    )
