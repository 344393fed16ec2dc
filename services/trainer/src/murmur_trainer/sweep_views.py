"""Sweeps as the REST API shows them."""

from dataclasses import dataclass

from murmur_trainer.domain.sweep import SweepState
from murmur_trainer.repository import SweepDocument, TrainerUnitOfWork
from murmur_trainer.schemas import BestView, SweepPage, SweepView


@dataclass(frozen=True, kw_only=True)
class ListSweeps:
    workflow: str | None = None
    state: SweepState | None = None
    limit: int = 50
    cursor: str | None = None


async def list_sweeps(query: ListSweeps, uow: TrainerUnitOfWork) -> SweepPage:
    """The newest first."""
    filters = {"workflow": query.workflow, "state": query.state}
    page = await uow.sweeps.find(
        where={name: value for name, value in filters.items() if value is not None},
        order_by="requested_at",
        descending=True,
        limit=query.limit,
        cursor=query.cursor,
    )
    return SweepPage(items=tuple(sweep_view(sweep) for sweep in page.items), next=page.next)


async def sweep_named(sweep_id: str, uow: TrainerUnitOfWork) -> SweepView:
    """Raises Missing."""
    return sweep_view(await uow.sweeps.require(sweep_id))


def sweep_view(sweep: SweepDocument) -> SweepView:
    ended = sweep.completed + sweep.failed + sweep.cancelled
    return SweepView(
        sweep_id=sweep.sweep_id,
        workflow=sweep.workflow,
        revision=sweep.revision,
        by=sweep.by,
        reason=sweep.reason,
        state=sweep.state,
        as_of=sweep.as_of,
        grid={name: list(values) for name, values in sweep.grid.items()},
        data={name: list(values) for name, values in sweep.data.items()},
        metric=sweep.metric,
        goal=sweep.goal,
        max_parallel=sweep.max_parallel,
        members=sweep.members,
        training=len(sweep.active),
        waiting=sweep.members - ended - len(sweep.active),
        completed=sweep.completed,
        failed=sweep.failed,
        cancelled=sweep.cancelled,
        best=tuple(BestView(**vars(best)) for best in sweep.best),
        cancelled_by=sweep.cancelled_by,
        requested_at=sweep.requested_at,
        ended_at=sweep.ended_at,
        correlation_id=sweep.chain.correlation_id,
    )
