"""What may be asked of the ledger."""

import base64

from murmur_audit.context import Audit
from murmur_audit.index import Row, Wanted
from murmur_audit.inspection import Finding
from murmur_audit.keeper import Keeper
from murmur_audit.schemas import (
    CheckpointPage,
    CheckpointView,
    EntryDetailView,
    EntryPage,
    EntryView,
    FaultView,
    HeadView,
    ProofView,
    StepView,
    SummaryView,
    VerifiedView,
)
from murmur_kernel.errors import BadCursor, Missing
from murmur_ledger.checkpoints import Checkpoint
from murmur_ledger.contents import Digest, Event
from murmur_ledger.reader import Entry

_FAULTS_SHOWN = 100


async def list_entries(keeper: Keeper, wanted: Wanted) -> EntryPage:
    """Newest first."""
    rows = await keeper.find(wanted)
    more = len(rows) == wanted.limit
    return EntryPage(items=[_view(row) for row in rows], next=str(rows[-1].position) if more else None)


def below(cursor: str | None) -> int | None:
    """Raises BadCursor."""
    if cursor is None:
        return None
    if not cursor.isdecimal() or len(cursor) > 18:
        raise BadCursor(cursor)
    return int(cursor)


async def show_entry(keeper: Keeper, position: int, *, proof: bool) -> EntryDetailView:
    """Raises Missing."""
    found = await keeper.entry(position)
    if found is None:
        raise Missing("entry", str(position))
    row, entry = found
    frame, content = entry.frame, entry.content
    record = content.record if isinstance(content, Event) else None
    return EntryDetailView(
        **_view(row).model_dump(),
        previous=frame.previous.hex(),
        in_batch=frame.in_batch,
        content=base64.b64encode(frame.content).decode(),
        content_sha256=frame.content_hash.hex(),
        intact=frame.intact,
        headers={name: value.decode(errors="replace") for name, value in record.headers} if record else {},
        value=record.value.decode(errors="replace") if record else None,
        sha256=content.sha256.hex() if isinstance(content, Digest) else None,
        proof=await _proof(keeper, position) if proof else None,
    )


async def _proof(keeper: Keeper, position: int) -> ProofView:
    ahead = [one for one in await keeper.checkpoints() if one.position >= position]
    vouching = min(ahead, key=lambda one: one.position, default=None)
    end = vouching.position if vouching else keeper.head.position
    between: list[Entry] = await keeper.entries(position + 1, end)
    steps = [
        StepView(in_batch=entry.frame.in_batch, content_sha256=entry.frame.content_hash.hex()) for entry in between
    ]
    return ProofView(checkpoint=checkpoint_view(vouching) if vouching else None, steps=steps)


async def list_checkpoints(keeper: Keeper, limit: int, cursor: int | None) -> CheckpointPage:
    """Newest first."""
    known = [one for one in reversed(await keeper.checkpoints()) if cursor is None or one.position < cursor]
    page = known[:limit]
    following = str(page[-1].position) if len(known) > limit else None
    return CheckpointPage(items=[checkpoint_view(one) for one in page], next=following)


def checkpoint_view(checkpoint: Checkpoint) -> CheckpointView:
    return CheckpointView.model_validate(checkpoint)


async def summarise(audit: Audit) -> SummaryView:
    keeper = audit.keeper
    head, counts = keeper.head, await keeper.counts()
    events, digests = counts.get("event", (0, 0)), counts.get("digest", (0, 0))
    return SummaryView(
        ledger=keeper.genesis.hex(),
        head=HeadView(position=head.position, hash=head.hash.hex()),
        events=events[0],
        digests=digests[0],
        digested=digests[1],
        last_checkpoint=checkpoint_view(keeper.signed) if keeper.signed else None,
        verified=_verified(audit.inspector.last) if audit.inspector.last else None,
        lag=await audit.intake.lag(),
        public_key=keeper.public_key.decode(),
    )


def _verified(finding: Finding) -> VerifiedView:
    report = finding.report
    return VerifiedView(
        at=finding.at,
        ok=report.ok,
        up_to=report.last,
        anchored=report.anchored,
        gaps=len(report.gaps),
        faults=[FaultView.model_validate(fault) for fault in report.faults[:_FAULTS_SHOWN]],
    )


def _view(row: Row) -> EntryView:
    told = {name: value for name, value in vars(row).items() if name not in ("hash", "correlation", "causation")}
    return EntryView(hash=row.hash.hex(), correlation_id=row.correlation, causation_id=row.causation, **told)
