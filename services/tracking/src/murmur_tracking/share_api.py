"""The door for shares: people make, list and revoke them; whoever has a link sees what it pins."""

import hashlib
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AwareDatetime, BaseModel, Field

from murmur_events.values import Artifact
from murmur_kernel.auth import Caller, Role, allows, open_to_all
from murmur_kernel.commands import idempotency_key
from murmur_kernel.errors import Conflict
from murmur_kernel.service import Service
from murmur_kernel.web import problem
from murmur_tracking import sharing
from murmur_tracking.client_runs import RunOf
from murmur_tracking.domain.shares import LONGEST, Share
from murmur_tracking.mlflow_api.workspaces import Workspaces
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.schemas import SnapshotView
from murmur_tracking.share_page import gone_page, snapshot_page
from murmur_tracking.sharing import Revoke, ShareRun

_TOKEN_BYTES = 16
_SHORTEST = 60
_GONE = {
    404: "this link leads to nothing: ask whoever gave it to you for the whole of it",
    410: "this link has expired or was revoked: ask whoever gave it to you for another one",
}
_HEADERS = {
    # The address is the key: no page that is opened from here, and no cache, is to learn of it.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
_OPEN = open_to_all("the token in the address is the right to see this one run as it was, and no other")

Token = Annotated[str, Path(max_length=200)]


class ShareBody(BaseModel):
    expires_in: int = Field(
        default=7 * 86400, ge=_SHORTEST, le=int(LONGEST.total_seconds()), description="seconds from now"
    )
    reason: str = Field(default="", max_length=1000)
    by: str | None = Field(default=None, description="who shares it; without it whose token it is")


class ShareView(BaseModel):
    id: str
    run_id: str
    by: str
    reason: str
    shared_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None
    revoked_by: str
    seen: int = Field(description="how often; loaded again within ten seconds counts once")
    seen_at: AwareDatetime | None


class NewShareView(ShareView):
    link: str | None = Field(
        description="path at the front door. It is told once: null where the same call was made before, for only its"
        " sha256 is kept; revoke the share then and make another"
    )


class ShareList(BaseModel):
    items: list[ShareView]


def router(service: Service[TrackingUnitOfWork], naming: Workspaces) -> APIRouter:
    api = APIRouter(tags=["tracking"])

    @api.post("/v1/runs/{run_id}/shares", status_code=201, dependencies=[allows(Role.AUTHOR)])
    async def share(request: Request, run_id: str, body: ShareBody, who: Caller) -> NewShareView:
        """A link that shows the run as it is now to whoever has it. Its workspace is that of X-Murmur-Workspace."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        by = who.signs_as(body.by, otherwise="somebody")
        run = RunOf(await naming.asked(request), run_id)
        taken = await service.read(sharing.snapshot, run)
        command = ShareRun(
            run=run,
            snapshot=await service.artifacts.put_bytes(taken.model_dump_json().encode(), suffix=".json"),
            token_sha256=_digest(token),
            expires_in=timedelta(seconds=body.expires_in),
            by=by,
            reason=body.reason,
        )
        made = await service.change(sharing.share, command, answer=Share)
        link = f"/shared/{token}" if made.token_sha256 == command.token_sha256 else None
        return NewShareView(**vars(_view(made)), link=link)

    @api.get("/v1/runs/{run_id}/shares", dependencies=[allows(Role.VIEWER)])
    async def list_shares(request: Request, run_id: str) -> ShareList:
        """Newest first, those that are over among them."""
        run = RunOf(await naming.asked(request), run_id)
        return ShareList(items=[_view(one) for one in await service.read(sharing.shares_of, run)])

    @api.delete("/v1/shares/{share_id}", dependencies=[allows(Role.AUTHOR)])
    async def revoke(share_id: str, who: Caller, by: str | None = None) -> ShareView:
        """Its link opens nothing any more."""
        command = Revoke(share_id, who.signs_as(by, otherwise="somebody"))
        return _view(await service.change(sharing.revoke, command, answer=Share))

    @api.get("/v1/shared/{token}", dependencies=[_OPEN], response_model=SnapshotView)
    async def shared(token: Token) -> Response:
        """The run as it was when it was shared."""
        status, found, body = await _opened(token)
        if found is None:
            answer = problem(status, "NothingShared", _GONE[status])
            answer.headers.update(_HEADERS)
            return answer
        return Response(body, media_type="application/json", headers=_HEADERS)

    @api.get("/shared/{token}", dependencies=[_OPEN], response_class=HTMLResponse)
    async def shared_page(token: Token) -> HTMLResponse:
        """The same for people: one page that needs no script, and prints."""
        status, found, body = await _opened(token)
        if found is None:
            return HTMLResponse(gone_page(_GONE[status]), status, headers=_HEADERS)
        page = snapshot_page(SnapshotView.model_validate_json(body), found)
        return HTMLResponse(page, headers=_HEADERS)

    async def _opened(token: str) -> tuple[int, Share | None, bytes]:
        digest = _digest(token)
        found = await service.read(sharing.find, digest)
        if found is None:
            return 404, None, b""
        if not (found.run_is_there and found.share.opens(digest, service.clock.now())):
            return 410, None, b""
        claim = found.share.snapshot
        body = await service.artifacts.read_bytes(Artifact(uri=claim.uri, sha256=claim.sha256, size=claim.size))
        idempotency_key.set(None)  # a look needs none, and what is kept under one would name the token
        with suppress(Conflict):  # others look in the same moment: those are counted, and nobody is refused for it
            await service.change(sharing.count, found.share.id, answer=type(None))
        return 200, found.share, body

    return api


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _view(share: Share) -> ShareView:
    fields = {name: getattr(share, name) for name in ShareView.model_fields}
    return ShareView(**fields)
