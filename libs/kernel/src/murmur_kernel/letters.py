"""What becomes of records that cannot be handled now, or ever: parked, dead, redriven, discarded."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

from murmur_events import Envelope
from murmur_events.catalog import dead_letters_of
from murmur_events.dead_letters import DeadLettered
from murmur_kernel.clock import Clock
from murmur_kernel.consuming import Ack, Dead, Dispatcher, Outcome, Park
from murmur_kernel.errors import Missing
from murmur_kernel.store import ChangeSet, DeadLetter, Parked, RawRecord, Store

_NAMESPACE = uuid.UUID("6c657474-6572-4173-8062-6f7468657273")


def record_id(record: RawRecord) -> str:
    """The same for every delivery of a record: its event id, or its place where it has none."""
    for name, value in record.headers:
        if name == "ce_id" and value:
            return value.decode("utf-8", errors="replace")
    return str(uuid.uuid5(_NAMESPACE, f"{record.topic}/{record.partition}/{record.offset}"))


async def park(dispatcher: Dispatcher[Any], record: RawRecord, awaits: str) -> None:
    """Keep the record until the document that it awaits is saved."""
    deadline = dispatcher.clock.now() + dispatcher.patience
    parked = Parked(id=record_id(record), record=record, awaits=awaits, deadline=deadline)
    await dispatcher.store.commit(ChangeSet(parked=parked))


async def bury(dispatcher: Dispatcher[Any], record: RawRecord, dead: Dead, *, unparked: str | None = None) -> None:
    """Keep the record as a dead letter and say so on the service's dead-letter topic, in one transaction."""
    now = dispatcher.clock.now()
    letter = DeadLetter(id=record_id(record), record=record, error=dead.error, reason=dead.reason, at=now)
    headers = {name: value.decode("utf-8", errors="replace") for name, value in record.headers}
    event = DeadLettered(
        letter_id=letter.id,
        service=dispatcher.service,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        error=dead.error,
        reason=dead.reason,
        event_id=headers.get("ce_id"),
        at=now,
    )
    envelope = Envelope(
        id=str(uuid.uuid5(_NAMESPACE, f"{letter.id}/{now.isoformat()}")),
        source=dispatcher.service,
        topic=dead_letters_of(dispatcher.service).name,
        key=letter.id,
        time=now,
        sequence=0,
        correlation_id=headers.get("ce_correlationid") or letter.id,
        causation_id=headers.get("ce_id"),
        event=event,
        traceparent=headers.get("ce_traceparent"),
    )
    await dispatcher.store.commit(ChangeSet(dead_letter=letter, envelopes=[envelope], unparked=unparked))


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
            await bury(dispatcher, parked.record, outcome, unparked=parked.id)
    return outcome


async def find_letter(store: Store, letter_id: str) -> DeadLetter:
    """Raises Missing."""
    for letter in await store.dead_letters():
        if letter.id == letter_id:
            return letter
    raise Missing("dead letter", letter_id)


async def redrive(store: Store, clock: Clock, letter_id: str, *, patience: timedelta = timedelta(minutes=5)) -> None:
    """Hand the record to its handler again: it becomes a released parked record. Raises Missing."""
    letter = await find_letter(store, letter_id)
    deadline = clock.now() + patience
    parked = Parked(id=letter.id, record=letter.record, awaits="", deadline=deadline, ready=True)
    await store.commit(ChangeSet(parked=parked, undead=letter.id))


async def discard(store: Store, letter_id: str) -> None:
    """Forget the record for good. Raises Missing."""
    letter = await find_letter(store, letter_id)
    await store.commit(ChangeSet(undead=letter.id))
