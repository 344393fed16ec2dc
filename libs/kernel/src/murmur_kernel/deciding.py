"""What people decide about dead letters: correct one, hand one or all of a kind in again, let go of one.

Each decision is committed once, together with its announcement on the service's dead-letter topic, so that the ledger
has it.

Errors
------
NotEditable   the letter did not die of its payload, or what replaces it does not fit its schema either
"""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from murmur_events import Complaint, complaints
from murmur_events.dead_letters import LetterChange, LetterDecision
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Conflict, Duplicate, Missing, Refused
from murmur_kernel.forgetting import forget_call_at
from murmur_kernel.letters import announce
from murmur_kernel.limits import within_limits
from murmur_kernel.store import ChangeSet, DeadLetter, LetterEdit, LetterQuery, Parked, Store

PATIENCE = timedelta(minutes=5)
"""How long a redriven record may wait for what it needs."""

_EDITABLE = "InvalidPayload"


class NotEditable(Refused):
    """The message says why; `complaints` are the schema's, where it has any."""

    def __init__(self, letter_id: str, why: str, found: tuple[Complaint, ...] = ()) -> None:
        super().__init__(f"dead letter {letter_id!r} cannot be edited like this: {why}")
        self.complaints = found


@dataclass(frozen=True)
class Redriven:
    """How many letters were handed in again, and how many that fit are left."""

    redriven: int
    left: bool


class Letters:
    """The dead letters of one service, as people work with them."""

    def __init__(self, service: str, store: Store, clock: Clock) -> None:
        self._service = service
        self._store = store
        self._clock = clock

    async def find(self, letter_id: str) -> DeadLetter:
        """Raises Missing."""
        letter = await self._store.letter(letter_id)
        if letter is None:
            raise Missing("dead letter", letter_id)
        return letter

    async def edit(self, letter_id: str, value: Any, *, by: str, reason: str) -> DeadLetter:
        """Replace the payload of a letter that does not fit its schema by one that does; headers and key stay.

        What stood there before is kept with who changed it and why. Raises Missing or NotEditable.
        """
        letter = await self.find(letter_id)
        if letter.error != _EDITABLE:
            raise NotEditable(
                letter_id,
                f"it died of {letter.error}, not of its payload. Mend the cause, then redrive it as it is",
            )
        text = json.dumps(value).encode()
        if found := complaints(letter.record.topic, text):
            first = "; ".join(f"{one.path}: {one.expected} (found {one.found})" for one in found)
            raise NotEditable(letter_id, f"its schema still says no: {first}", found)
        now = self._clock.now()
        changes = changes_between(letter.record.value, text)
        edited = replace(
            letter,
            record=replace(letter.record, value=text),
            edits=(*letter.edits, LetterEdit(at=now, by=by, reason=reason, before=letter.record.value)),
        )
        decision = LetterDecision(kind="edited", by=by, reason=reason, changes=changes)
        await self._decide(letter, decision, ChangeSet(dead_letter=edited))
        return edited

    async def redrive(self, letter_id: str, *, by: str, reason: str = "") -> DeadLetter:
        """Hand the record to its handler again: it becomes a released parked record. Raises Missing."""
        letter = await self.find(letter_id)
        deadline = self._clock.now() + PATIENCE
        parked = Parked(
            id=letter.id, record=letter.record, awaits="", deadline=deadline, ready=True, edits=letter.edits
        )
        decision = LetterDecision(kind="redriven", by=by, reason=reason)
        await self._decide(letter, decision, ChangeSet(parked=parked, undead=letter.id))
        return letter

    async def redrive_all(self, query: LetterQuery, *, by: str, reason: str = "") -> Redriven:
        """Those that fit, up to the query's limit, in the order in which they were published, so that keys keep it."""
        page = await self._store.letters(replace(query, order="place", cursor=None))
        for letter in page.items:
            await self.redrive(letter.id, by=by, reason=reason)
        return Redriven(len(page.items), page.next is not None)

    async def discard(self, letter_id: str, *, by: str, reason: str) -> DeadLetter:
        """Forget the record for good; the announcement keeps who let go of it, and why. Raises Missing."""
        letter = await self.find(letter_id)
        decision = LetterDecision(kind="discarded", by=by, reason=reason)
        await self._decide(letter, decision, ChangeSet(undead=letter.id))
        return letter

    async def _decide(self, letter: DeadLetter, decision: LetterDecision, change: ChangeSet) -> None:
        """Once for each death and version of a letter: of two people who decide at the same time one hears Conflict.

        Raises EventTooLarge where its announcement would be: a long reason, or an edit of a payload of many megabytes.
        """
        now = self._clock.now()
        change.mark = f"letter/{letter.id}/{letter.at.isoformat()}/{len(letter.edits)}"
        change.forget_at = forget_call_at(now)
        change.envelopes = [within_limits(announce(letter, self._service, now, decision=decision))]
        try:
            await self._store.commit(change)
        except Duplicate:
            raise Conflict("dead letter", letter.id) from None


def changes_between(before: bytes, after: bytes) -> tuple[LetterChange, ...]:
    """Which fields differ; a payload that was no JSON differs as a whole."""
    new = _flat(json.loads(after))
    try:
        old = _flat(json.loads(before))
    except ValueError:
        return (LetterChange(path="", before=before.decode("utf-8", errors="backslashreplace"), after=after.decode()),)
    paths = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    return tuple(LetterChange(path=path, before=old.get(path), after=new.get(path)) for path in paths)


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """Every leaf of a JSON value under its path, as JSON text."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {name: text for step, part in parts for name, text in _flat(part, f"{path}.{step}".lstrip(".")).items()}
    return found or {path: json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()}
