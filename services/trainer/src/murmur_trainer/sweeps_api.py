"""Sweeps by REST: ask for one, watch it, call it off."""

from typing import Annotated

from fastapi import APIRouter, Query

from murmur_kernel.auth import Caller, Role, allows
from murmur_kernel.service import Service
from murmur_trainer import handlers, sweep_views, sweeping
from murmur_trainer.domain.planning import Choices, Plan
from murmur_trainer.domain.sweep import SweepState
from murmur_trainer.repository import TrainerUnitOfWork
from murmur_trainer.schemas import Scalar, SweepCancellation, SweepPage, SweepView, SweepWish
from murmur_trainer.sweep_views import ListSweeps
from murmur_trainer.sweeping import CancelSweep, StartSweep


def router(service: Service[TrainerUnitOfWork]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["sweeps"])

    @api.post("/workflows/{name}/sweeps", status_code=202, dependencies=[allows(Role.AUTHOR)])
    async def start(name: str, body: SweepWish, caller: Caller) -> SweepView:
        """Ask for many trainings at once, under one correlation id. 422 names the first value that cannot be."""
        command = StartSweep(
            workflow=name,
            by=caller.signs_as(body.by, otherwise=handlers.A_PERSON),
            plan=Plan(grid=_choices(body.grid), data=_choices(body.data), random=body.random, seed=body.seed),
            metric=body.metric,
            goal=body.goal,
            max_parallel=body.max_parallel,
            as_of=body.as_of,
            reason=body.reason,
        )
        return await service.change(sweeping.start_sweep, command, answer=SweepView)

    @api.get("/sweeps", dependencies=[allows(Role.VIEWER)])
    async def list_sweeps(
        workflow: str | None = None,
        state: SweepState | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> SweepPage:
        """The newest first."""
        query = ListSweeps(workflow=workflow, state=state, limit=limit, cursor=cursor)
        return await service.read(sweep_views.list_sweeps, query)

    @api.get("/sweeps/{sweep_id}", dependencies=[allows(Role.VIEWER)])
    async def sweep(sweep_id: str) -> SweepView:
        """How far it is, and the best runs so far."""
        return await service.read(sweep_views.sweep_named, sweep_id)

    @api.post("/sweeps/{sweep_id}/cancel", dependencies=[allows(Role.AUTHOR)])
    async def cancel(sweep_id: str, body: SweepCancellation, caller: Caller) -> SweepView:
        """Nothing more of it begins; what trains already comes to its end. 409 where it is over."""
        by = caller.signs_as(body.by, otherwise=handlers.A_PERSON)
        command = CancelSweep(sweep_id=sweep_id, by=by, reason=body.reason)
        return await service.change(sweeping.cancel_sweep, command, answer=SweepView)

    return api


def _choices(values: dict[str, list[Scalar]]) -> Choices:
    return {name: tuple(each) for name, each in values.items()}
