"""What people do with shares: each command says a fact and keeps it, in one transaction, as a rebuild would."""

from dataclasses import dataclass
from datetime import timedelta

from murmur_events.base import RunId
from murmur_events.shares import RunShared, ShareRevoked, ShareViewed
from murmur_events.values import Artifact
from murmur_tracking import views, workspaces
from murmur_tracking.client_runs import RunOf
from murmur_tracking.domain import sampling, shares
from murmur_tracking.domain.facts import Claim
from murmur_tracking.domain.shares import Share
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.schemas import CurveView, HistoryView, SnapshotView, run_detail_view

_SAMPLES = 500
_LARGEST_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class ShareRun:
    run: RunOf
    snapshot: Artifact
    token_sha256: str
    expires_in: timedelta
    by: str
    reason: str


@dataclass(frozen=True)
class Revoke:
    share_id: str
    by: str


@dataclass(frozen=True)
class Found:
    """run_is_there: False once the workspace of its run was dropped, and for a run that is not known any more."""

    share: Share
    run_is_there: bool


async def snapshot(which: RunOf, uow: TrackingUnitOfWork) -> SnapshotView:
    """The run as it is now, with its curves. Raises Missing."""
    run = await views.require_in(which.workspace, which.run_id, uow)
    curves: dict[str, list[tuple[int, int, float]]] = {}
    async for name, step, time, value in views.each_point(run, uow):
        curves.setdefault(name, []).append((step, time, value))
    histories = []
    for name, points in sorted(curves.items()):
        points.sort(key=lambda point: point[:2])
        steps = sampling.steps([[point[0] for point in points]], None, _SAMPLES)
        kept = [point for point in points if point[0] in steps]
        curve = CurveView(
            step=[point[0] for point in kept], time=[point[1] for point in kept], value=[point[2] for point in kept]
        )
        histories.append(HistoryView(metric=name, curves=[curve]))
    return SnapshotView(run=run_detail_view(run), histories=histories)


async def share(command: ShareRun, uow: TrackingUnitOfWork) -> Share:
    """Raises Missing."""
    run = await views.require_in(command.run.workspace, command.run.run_id, uow)
    event = RunShared(
        share_id=uow.new_id("share"),
        run_id=RunId(run.run_id),
        snapshot=command.snapshot,
        token_sha256=command.token_sha256,
        by=command.by,
        reason=command.reason,
        shared_at=uow.now,
        expires_at=uow.now + command.expires_in,
    )
    uow.publish(event)
    await remember_share(event, uow)
    return await uow.shares.require(event.share_id)


async def revoke(command: Revoke, uow: TrackingUnitOfWork) -> Share:
    """Raises Missing. One that is revoked stays so."""
    found = await uow.shares.require(command.share_id)
    if found.revoked_at is None:
        event = ShareRevoked(share_id=found.id, run_id=RunId(found.run_id), by=command.by, revoked_at=uow.now)
        uow.publish(event)
        await remember_revocation(event, uow)
    return await uow.shares.require(command.share_id)


async def find(token_sha256: str, uow: TrackingUnitOfWork) -> Found | None:
    """By the digest of the token: how long it takes tells nothing of any token that there is."""
    page = await uow.shares.find(where={"token_sha256": token_sha256}, limit=1)
    if not page.items:
        return None
    (share,) = page.items
    run = await uow.runs.get(share.run_id)
    return Found(share, run is not None and await workspaces.is_there(run, uow))


async def count(share_id: str, uow: TrackingUnitOfWork) -> None:
    found = await uow.shares.require(share_id)
    if shares.counts(found, uow.now):
        event = ShareViewed(share_id=share_id, seen=found.seen + 1, seen_at=uow.now)
        uow.publish(event)
        await remember_sighting(event, uow)


async def shares_of(which: RunOf, uow: TrackingUnitOfWork) -> list[Share]:
    """Newest first, at most 500. Raises Missing for a run that is not known."""
    run = await views.require_in(which.workspace, which.run_id, uow)
    where = {"run_id": run.run_id}
    page = await uow.shares.find(where=where, order_by="shared_at", descending=True, limit=_LARGEST_PAGE)
    return list(page.items)


async def remember_share(event: RunShared, uow: TrackingUnitOfWork) -> None:
    if await uow.shares.get(event.share_id) is None:
        uow.shares.save(
            Share(
                id=event.share_id,
                run_id=event.run_id,
                snapshot=Claim(uri=event.snapshot.uri, sha256=event.snapshot.sha256, size=event.snapshot.size),
                token_sha256=event.token_sha256,
                by=event.by,
                reason=event.reason,
                shared_at=event.shared_at,
                expires_at=event.expires_at,
            )
        )


async def remember_sighting(event: ShareViewed, uow: TrackingUnitOfWork) -> None:
    """Waits for the share to be known."""
    uow.shares.save(shares.seen(await uow.shares.require(event.share_id), event.seen, event.seen_at))


async def remember_revocation(event: ShareRevoked, uow: TrackingUnitOfWork) -> None:
    """Waits for the share to be known."""
    uow.shares.save(shares.revoked(await uow.shares.require(event.share_id), event.by, event.revoked_at))
