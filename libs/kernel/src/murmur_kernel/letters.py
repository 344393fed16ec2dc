"""What becomes of records that cannot be handled now, or ever: parked, dead. What people decide is in `deciding`."""

import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from murmur_events import Envelope
from murmur_events.catalog import dead_letters_of
from murmur_events.dead_letters import DeadLettered, LetterDecision
from murmur_kernel.consuming import Ack, Dead, Dispatcher, Outcome, Park
from murmur_kernel.errors import Duplicate
from murmur_kernel.forgetting import forget_event_at
from murmur_kernel.limits import LONGEST_ID, shortened
from murmur_kernel.store import ChangeSet, DeadLetter, Parked, RawRecord, Store

_NAMESPACE = uuid.UUID("6c657474-6572-4173-8062-6f7468657273")


def record_id(record: RawRecord) -> str:
    """The same for every delivery of a record: its event id, or its place where it has none that can be told on."""
    return _id_of(record, "ce_id") or str(uuid.uuid5(_NAMESPACE, f"{record.topic}/{record.partition}/{record.offset}"))


def _id_of(record: RawRecord, header: str) -> str | None:
    """What stands in a header that names something; None where nothing does, or more than a name."""
    for name, value in record.headers:
        if name == header and value:
            text = value.decode("utf-8", errors="replace")
            return text if len(text) <= LONGEST_ID else None
    return None


def mark_of_death(record: RawRecord) -> str:
    """Of the inbox: under it a record becomes a dead letter once, however often it is delivered."""
    return f"dead/{record.topic}/{record_id(record)}"


async def stands_behind(store: Store, record: RawRecord) -> bool:
    """Whether one of its topic and key is parked. What was handled before waits for nobody, whoever is parked."""
    return await store.blocked(record.topic, record.key) and not await store.handled(record_id(record))


async def park(dispatcher: Dispatcher[Any], record: RawRecord, awaits: str) -> None:
    """Keep the record until the document that it awaits is saved, or, awaiting none, until its turn comes.

    Nothing for one that has died before: what becomes of it since then, people decide.
    """
    if await dispatcher.store.handled(mark_of_death(record)):
        return
    deadline = dispatcher.clock.now() + dispatcher.patience
    parked = Parked(id=record_id(record), record=record, awaits=awaits, deadline=deadline)
    await dispatcher.store.commit(ChangeSet(parked=parked))


async def bury(
    dispatcher: Dispatcher[Any],
    record: RawRecord,
    dead: Dead,
    *,
    unparked: Parked | None = None,
    announced: bool = True,
) -> None:
    """Keep the record as a dead letter and say so on the service's dead-letter topic, in one transaction.

    Nothing for one that the broker delivers again after its death: the letter may be corrected by now, handed in again,
    or discarded. What was handed in again (`unparked`) may die again. A rebuild has nothing announced.
    """
    now = dispatcher.clock.now()
    mark = mark_of_death(record)
    again = unparked is not None and await dispatcher.store.handled(mark)
    letter = DeadLetter(
        id=record_id(record),
        record=record,
        error=dead.error,
        reason=dead.reason,
        at=now,
        edits=unparked.edits if unparked else (),
    )
    change = ChangeSet(
        mark=None if again else mark,
        forget_at=None if again else forget_event_at(record.topic, now),
        dead_letter=letter,
        envelopes=[announce(letter, dispatcher.service, now)] if announced else [],
        unparked=unparked.id if unparked else None,
    )
    with suppress(Duplicate):
        await dispatcher.store.commit(change)


def announce(letter: DeadLetter, service: str, now: datetime, *, decision: LetterDecision | None = None) -> Envelope:
    """What the service's dead-letter topic tells: that a record has died, or what a person decided about it."""
    record = letter.record
    cause = _id_of(record, "ce_id")
    event = DeadLettered(
        letter_id=letter.id,
        service=service,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=shortened(record.key, LONGEST_ID),
        error=letter.error,
        reason=letter.reason,
        event_id=cause,
        at=now,
        decision=decision,
    )
    return Envelope(
        id=str(uuid.uuid5(_NAMESPACE, f"{letter.id}/{decision.kind if decision else 'died'}/{now.isoformat()}")),
        source=service,
        topic=dead_letters_of(service).name,
        key=letter.id,
        time=now,
        sequence=0,
        correlation_id=_id_of(record, "ce_correlationid") or letter.id,
        causation_id=cause,
        event=event,
        traceparent=_id_of(record, "ce_traceparent"),
    )


async def settle(dispatcher: Dispatcher[Any], parked: Parked) -> Outcome:
    """Try a released record again and remove it if that ended it. A Retry leaves it released, for the next round."""
    outcome = await dispatcher.handle(parked.record)
    match outcome:
        case Ack():
            await dispatcher.store.commit(ChangeSet(unparked=parked.id))
        case Park(awaits):
            again = replace(parked, awaits=awaits, ready=False)
            await dispatcher.store.commit(ChangeSet(parked=again))
        case Dead():
            await bury(dispatcher, parked.record, outcome, unparked=parked)
    return outcome
