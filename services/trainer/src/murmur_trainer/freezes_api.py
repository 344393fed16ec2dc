"""Freezes by REST: what may not be done by itself now, and the two calls that change it."""

from typing import Annotated

from fastapi import APIRouter, Query

from murmur_kernel.service import Service
from murmur_trainer import freezing
from murmur_trainer.domain.freezes import Automation
from murmur_trainer.freezing import ChangeFreeze, ListFreezes
from murmur_trainer.repository import TrainerUnitOfWork
from murmur_trainer.schemas import FreezePage, FreezeView, FreezeWish

By = Annotated[str, Query(min_length=1, max_length=200, description="who lifts it")]
Reason = Annotated[str, Query(min_length=1, max_length=2000)]


def router(service: Service[TrainerUnitOfWork]) -> APIRouter:
    api = APIRouter(prefix="/v1/freezes", tags=["freezes"])

    async def freeze(what: Automation, workflow: str | None, body: FreezeWish) -> FreezeView:
        command = ChangeFreeze(what=what, workflow=workflow, by=body.by, reason=body.reason)
        return await service.change(freezing.freeze, command, answer=FreezeView)

    async def unfreeze(what: Automation, workflow: str | None, by: str, reason: str) -> FreezeView:
        command = ChangeFreeze(what=what, workflow=workflow, by=by, reason=reason)
        return await service.change(freezing.unfreeze, command, answer=FreezeView)

    @api.get("")
    async def list_freezes(
        every: Annotated[bool, Query(alias="all", description="those that were lifted too")] = False,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> FreezePage:
        """By scope. A workflow is frozen while any freeze that covers it is active."""
        query = ListFreezes(active=None if every else True, limit=limit, cursor=cursor)
        return await service.read(freezing.list_freezes, query)

    @api.put("/{what}")
    async def freeze_all(what: Automation, body: FreezeWish) -> FreezeView:
        """Of all workflows. What is frozen already stays as it is, with who froze it first."""
        return await freeze(what, None, body)

    @api.put("/{what}/{workflow}")
    async def freeze_one(what: Automation, workflow: str, body: FreezeWish) -> FreezeView:
        """Of one workflow. 404 where it is not known."""
        return await freeze(what, workflow, body)

    @api.delete("/{what}")
    async def unfreeze_all(what: Automation, by: By, reason: Reason) -> FreezeView:
        """Lifts the freeze of all workflows; those of single workflows stay. 404 where it is not frozen."""
        return await unfreeze(what, None, by, reason)

    @api.delete("/{what}/{workflow}")
    async def unfreeze_one(what: Automation, workflow: str, by: By, reason: Reason) -> FreezeView:
        """Lifts the freeze of one workflow; a freeze of all still holds it. 404 where it is not frozen."""
        return await unfreeze(what, workflow, by, reason)

    return api
