"""Audit's REST door. Nothing can be changed through it but that one more checkpoint is signed."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from murmur_audit import views
from murmur_audit.context import Audit
from murmur_audit.index import Wanted
from murmur_audit.schemas import CheckpointPage, CheckpointView, EntryDetailView, EntryPage, SummaryView
from murmur_kernel.auth import Role, allows
from murmur_kernel.errors import Refused

Limit = Annotated[int, Query(ge=1, le=500, description="items a page")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]
Time = Annotated[AwareDatetime | None, Query(description="with its offset: 2026-11-25T08:00:00Z")]


def router(audit: Audit) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["audit"])
    keeper = audit.keeper

    @api.get("/entries", dependencies=[allows(Role.VIEWER)])
    async def list_entries(
        topic: str = "",
        key: str = "",
        correlation_id: Annotated[str, Query(description="or its beginning")] = "",
        event_id: Annotated[str, Query(description="or its beginning")] = "",
        since: Time = None,
        until: Time = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> EntryPage:
        """Entries of the ledger, newest first."""
        wanted = Wanted(
            topic=topic,
            key=key,
            correlation=correlation_id,
            event_id=event_id,
            since=since,
            until=until,
            below=views.below(cursor),
            limit=limit,
        )
        return await views.list_entries(keeper, wanted)

    @api.get("/entries/{position}", dependencies=[allows(Role.VIEWER)])
    async def show_entry(position: int, proof: bool = True) -> EntryDetailView:
        """One entry whole, with the hashes that lead from it to the next signed checkpoint."""
        return await views.show_entry(keeper, position, proof=proof)

    @api.get("/checkpoints", dependencies=[allows(Role.VIEWER)])
    async def list_checkpoints(limit: Limit = 50, cursor: Cursor = None) -> CheckpointPage:
        """Signed checkpoints, newest first."""
        return await views.list_checkpoints(keeper, limit, views.below(cursor))

    @api.post("/checkpoints", dependencies=[allows(Role.OPERATOR)])
    async def make_checkpoint() -> CheckpointView:
        """Sign how far the ledger has come. Asked again before anything was appended, it answers the same."""
        made = await keeper.sign()
        if made is None:
            raise Refused("the ledger is empty: there is nothing to sign yet")
        return views.checkpoint_view(made)

    @api.get("/summary", dependencies=[allows(Role.VIEWER)])
    async def summarise() -> SummaryView:
        """The chain's health: head, counts, last checkpoint, what the last verification found, lag."""
        return await views.summarise(audit)

    return api
