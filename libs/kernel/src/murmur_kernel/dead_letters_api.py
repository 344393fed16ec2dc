"""Dead letters by REST: find them, see what is wrong, correct, hand in again, or let go of them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import structlog
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from murmur_events import UnknownTopic, complaints
from murmur_kernel.auth import Caller, Role, allows
from murmur_kernel.deciding import Letters
from murmur_kernel.store import DeadLetter, LetterQuery

if TYPE_CHECKING:
    from murmur_kernel.service import Service

log = structlog.get_logger()


class ComplaintView(BaseModel):
    """What the schema says against the payload, at one field."""

    path: str
    found: str
    expected: str


class EditView(BaseModel):
    """A correction; `before` is the payload that it replaced, as text."""

    at: datetime
    by: str
    reason: str
    before: str


class DeadLetterView(BaseModel):
    """One dead letter. Bytes that are no text are shown as escapes; `editable`: its payload may be corrected."""

    id: str
    topic: str
    partition: int
    offset: int
    key: str
    error: str
    reason: str
    at: datetime
    headers: dict[str, str]
    value: str
    editable: bool = False
    version: int = Field(default=1, description="1 as it came, one more with each edit")


class DeadLetterDetail(DeadLetterView):
    """The same with all that helps to decide: what the schema finds wrong now, and who has changed what."""

    complaints: list[ComplaintView] = Field(default_factory=list)
    edits: list[EditView] = Field(default_factory=list)


class DeadLetterPage(BaseModel):
    """counts: all dead letters of the service by topic, whatever was asked for."""

    items: list[DeadLetterView]
    next: str | None = None
    counts: dict[str, int] = Field(default_factory=dict)


By = Annotated[str | None, Field(min_length=1, max_length=200, description="who decides; else the token's holder")]
Why = Annotated[str, Field(min_length=1, max_length=2000)]


class Redrive(BaseModel):
    by: By = None
    reason: str = ""


class RedriveAll(Redrive):
    """Which letters: all where nothing is said. `limit` bounds one call; ask again while some are left."""

    topic: str | None = None
    error: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: int = Field(default=200, ge=1, le=1000)


class RedrivenView(BaseModel):
    redriven: int
    left: bool


class Discard(BaseModel):
    """Why nobody needs it any more."""

    reason: Why
    by: By = None


class Edit(BaseModel):
    """The whole corrected payload; what identifies the event stays as it is."""

    value: dict[str, Any]
    reason: Why
    by: By = None


def dead_letters_router(service: "Service[Any]") -> APIRouter:
    api = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])
    letters = Letters(service.name, service.store, service.clock)

    @api.get("", dependencies=[allows(Role.VIEWER)])
    async def list_letters(
        topic: str | None = None,
        error: str | None = None,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> DeadLetterPage:
        """The newest first."""
        query = LetterQuery(topic=topic, error=error, since=since, until=until, limit=limit, cursor=cursor)
        page = await service.store.letters(query)
        counts = dict(await service.store.letter_counts())
        return DeadLetterPage(items=[_view(letter) for letter in page.items], next=page.next, counts=counts)

    @api.get("/{letter_id}", dependencies=[allows(Role.VIEWER)])
    async def show(letter_id: str) -> DeadLetterDetail:
        return _detail(await letters.find(letter_id))

    @api.put("/{letter_id}/payload", dependencies=[allows(Role.OPERATOR)])
    async def edit(letter_id: str, body: Edit, caller: Caller) -> DeadLetterDetail:
        """Correct the payload of a letter that does not fit its schema; 409 says why it may not be."""
        by = caller.signs_as(body.by)
        edited = await letters.edit(letter_id, body.value, by=by, reason=body.reason)
        log.warning("dead letter edited", letter=letter_id, by=by, reason=body.reason)
        return _detail(edited)

    @api.post("/redrive", status_code=202, dependencies=[allows(Role.OPERATOR)])
    async def redrive_all(body: RedriveAll, caller: Caller) -> RedrivenView:
        """Handle all that fit again, in the order in which they were published."""
        query = LetterQuery(topic=body.topic, error=body.error, since=body.since, until=body.until, limit=body.limit)
        by = caller.signs_as(body.by)
        done = await letters.redrive_all(query, by=by, reason=body.reason)
        log.info("dead letters redriven", letters=done.redriven, by=by)
        return RedrivenView(redriven=done.redriven, left=done.left)

    @api.post("/{letter_id}/redrive", status_code=202, dependencies=[allows(Role.OPERATOR)])
    async def redrive(letter_id: str, body: Redrive, caller: Caller) -> DeadLetterView:
        """Handle it again; should it fail again, it comes back here."""
        by = caller.signs_as(body.by)
        letter = await letters.redrive(letter_id, by=by, reason=body.reason)
        log.info("dead letter redriven", letter=letter_id, by=by)
        return _view(letter)

    @api.post("/{letter_id}/discard", dependencies=[allows(Role.OPERATOR)])
    async def discard(letter_id: str, body: Discard, caller: Caller) -> DeadLetterView:
        by = caller.signs_as(body.by)
        letter = await letters.discard(letter_id, by=by, reason=body.reason)
        log.warning("dead letter discarded", letter=letter_id, by=by, reason=body.reason)
        return _view(letter)

    return api


def _facts(letter: DeadLetter) -> dict[str, Any]:
    record = letter.record
    return {
        "id": letter.id,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key,
        "error": letter.error,
        "reason": letter.reason,
        "at": letter.at,
        "headers": {name: readable(value) for name, value in record.headers},
        "value": readable(record.value),
        "editable": letter.error == "InvalidPayload",
        "version": len(letter.edits) + 1,
    }


def _view(letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(**_facts(letter))


def _detail(letter: DeadLetter) -> DeadLetterDetail:
    try:
        found = complaints(letter.record.topic, letter.record.value)
    except UnknownTopic:
        found = ()
    return DeadLetterDetail(
        **_facts(letter),
        complaints=[ComplaintView(**vars(one)) for one in found],
        edits=[
            EditView(at=edit.at, by=edit.by, reason=edit.reason, before=readable(edit.before)) for edit in letter.edits
        ],
    )


def readable(raw: bytes) -> str:
    """Text that no terminal obeys: bytes that are no UTF-8 and control characters become escapes."""
    text = raw.decode("utf-8", errors="backslashreplace")
    return "".join(one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in text)
