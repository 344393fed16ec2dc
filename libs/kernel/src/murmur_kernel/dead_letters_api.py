"""Dead letters by REST: look at them, hand them to their handler again, or let go of them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import APIRouter
from pydantic import BaseModel

from murmur_kernel import letters
from murmur_kernel.auth import Role, allows
from murmur_kernel.store import DeadLetter

if TYPE_CHECKING:
    from murmur_kernel.service import Service

log = structlog.get_logger()


class DeadLetterView(BaseModel):
    """One dead letter, its payload as text."""

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


class DeadLetterPage(BaseModel):
    items: list[DeadLetterView]
    next: str | None = None


class Discard(BaseModel):
    """Why nobody needs it any more."""

    reason: str


def dead_letters_router(service: "Service[Any]") -> APIRouter:
    api = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])

    @api.get("", dependencies=[allows(Role.VIEWER)])
    async def list_letters() -> DeadLetterPage:
        """All of them, oldest first."""
        return DeadLetterPage(items=[_view(letter) for letter in await service.store.dead_letters()])

    @api.get("/{letter_id}", dependencies=[allows(Role.VIEWER)])
    async def show(letter_id: str) -> DeadLetterView:
        return _view(await letters.find_letter(service.store, letter_id))

    @api.post("/{letter_id}/redrive", status_code=202, dependencies=[allows(Role.OPERATOR)])
    async def redrive(letter_id: str) -> DeadLetterView:
        """Handle it again; should it fail again, it comes back here."""
        letter = await letters.find_letter(service.store, letter_id)
        await letters.redrive(service.store, service.clock, letter_id)
        log.info("dead letter redriven", letter=letter_id)
        return _view(letter)

    @api.post("/{letter_id}/discard", dependencies=[allows(Role.OPERATOR)])
    async def discard(letter_id: str, body: Discard) -> DeadLetterView:
        letter = await letters.find_letter(service.store, letter_id)
        await letters.discard(service.store, letter_id)
        log.warning("dead letter discarded", letter=letter_id, reason=body.reason)
        return _view(letter)

    return api


def _view(letter: DeadLetter) -> DeadLetterView:
    record = letter.record
    return DeadLetterView(
        id=letter.id,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        error=letter.error,
        reason=letter.reason,
        at=letter.at,
        headers={name: value.decode("utf-8", errors="replace") for name, value in record.headers},
        value=record.value.decode("utf-8", errors="replace"),
    )
