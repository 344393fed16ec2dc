"""Freezes by REST: what may not be done by itself now, and the two calls that change it."""

from typing import Annotated

from fastapi import APIRouter, Query

from murmur_kernel.auth import Caller, Role, allows
from murmur_kernel.service import Service
from murmur_trainer import freezing
from murmur_trainer.domain.freezes import Automation
from murmur_trainer.freezing import ChangeFreeze, ListFreezes
from murmur_trainer.repository import TrainerUnitOfWork
from murmur_trainer.schemas import FreezePage, FreezeView, FreezeWish

By = Annotated[str | None, Query(min_length=1, max_length=200, description="who lifts it; else the token's holder")]
Reason = Annotated[str, Query(min_length=1, max_length=2000)]


def router(service: Service[TrainerUnitOfWork]) -> APIRouter:
    api = APIRouter(prefix="/v1/freezes", tags=["freezes"])

    async def freeze(what: Automation, workflow: str | None, by: str, reason: str) -> FreezeView:
        command = ChangeFreeze(what=what, workflow=workflow, by=by, reason=reason)
        return await service.change(freezing.freeze, command, answer=FreezeView)

    async def unfreeze(what: Automation, workflow: str | None, by: str, reason: str) -> FreezeView:
        command = ChangeFreeze(what=what, workflow=workflow, by=by, reason=reason)
        return await service.change(freezing.unfreeze, command, answer=FreezeView)

    @api.get("", dependencies=[allows(Role.VIEWER)])
    async def list_freezes(
        every: Annotated[bool, Query(alias="all", description="those that were lifted too")] = False,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> FreezePage:
        """By scope. A workflow is frozen while any freeze that covers it is active."""
        query = ListFreezes(active=None if every else True, limit=limit, cursor=cursor)
        return await service.read(freezing.list_freezes, query)

    @api.put("/{what}", dependencies=[allows(Role.OPERATOR)])
    async def freeze_all(what: Automation, body: FreezeWish, caller: Caller) -> FreezeView:
        """Of all workflows. What is frozen already stays as it is, with who froze it first."""
        return await freeze(what, None, caller.signs_as(body.by), body.reason)

    @api.put("/{what}/{workflow}", dependencies=[allows(Role.OPERATOR)])
    async def freeze_one(what: Automation, workflow: str, body: FreezeWish, caller: Caller) -> FreezeView:
        """Of one workflow. 404 where it is not known."""
        return await freeze(what, workflow, caller.signs_as(body.by), body.reason)

    @api.delete("/{what}", dependencies=[allows(Role.OPERATOR)])
    async def unfreeze_all(what: Automation, reason: Reason, caller: Caller, by: By = None) -> FreezeView:
        """Lifts the freeze of all workflows; those of single workflows stay. 404 where it is not frozen."""
        return await unfreeze(what, None, caller.signs_as(by), reason)

    @api.delete("/{what}/{workflow}", dependencies=[allows(Role.OPERATOR)])
    async def unfreeze_one(
        what: Automation, workflow: str, reason: Reason, caller: Caller, by: By = None
    ) -> FreezeView:
        """Lifts the freeze of one workflow; a freeze of all still holds it. 404 where it is not frozen."""
        return await unfreeze(what, workflow, caller.signs_as(by), reason)

    return api
