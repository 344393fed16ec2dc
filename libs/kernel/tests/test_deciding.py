"""What people decide about dead letters: who may change what, what is kept of it, and in which order they come back."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from counting import COUNTERS, CounterUnitOfWork, requested

from murmur_events import LARGEST_RECORD
from murmur_events.dead_letters import DeadLettered
from murmur_events.training import TrainingRequested
from murmur_kernel import letters as burying
from murmur_kernel.consuming import Dead, react
from murmur_kernel.dead_letters_api import readable
from murmur_kernel.deciding import Letters, NotEditable
from murmur_kernel.errors import Conflict, EventTooLarge, Missing
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.store import LetterQuery, RawRecord
from murmur_kernel.testing import STORES, Harness, StoreName

Service = tuple[Harness[CounterUnitOfWork], Letters, list[str]]


@pytest.fixture(params=STORES)
async def service(request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    name: StoreName = request.param
    handled: list[str] = []

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        if event.trigger.reason == "a bug":
            raise RuntimeError("a bug")
        handled.append(event.trigger.key)

    async with Harness(
        CounterUnitOfWork,
        kinds=(COUNTERS,),
        subscriptions=(react(TrainingRequested, handler),),
        store=name,
        service="trainer",
    ) as harness:
        yield harness, Letters("trainer", harness.store, harness.clock), handled


def invalid(harness: Harness[CounterUnitOfWork], key: str = "k") -> RawRecord:
    """A record whose trigger is of a kind that nobody knows."""
    record = harness.record_of(requested(key=key), event_id=f"event-{key}")
    value = json.loads(record.value)
    value["trigger"]["kind"] = "perhaps"
    return replace(record, value=json.dumps(value).encode())


def valid(key: str = "k") -> dict[str, object]:
    value: dict[str, object] = requested(key=key).model_dump(mode="json")
    return value


async def announced(harness: Harness[CounterUnitOfWork]) -> list[DeadLettered]:
    rows = await harness.store.outbox(100)
    return [row.envelope.event for row in rows if isinstance(row.envelope.event, DeadLettered)]


async def test_a_payload_is_corrected_and_handled_under_the_same_identity(service: Service) -> None:
    harness, letters, handled = service
    record = invalid(harness)
    await harness.receives_record(record)
    edited = await letters.edit("event-k", valid(), by="olga", reason="the client wrote nonsense")
    assert (edited.record.headers, edited.record.key) == (record.headers, record.key)
    assert [(edit.by, edit.reason, edit.before) for edit in edited.edits] == [
        ("olga", "the client wrote nonsense", record.value)
    ]
    (decision,) = [event.decision for event in await announced(harness)]
    assert decision is not None
    assert [(change.path, change.before, change.after) for change in decision.changes] == [
        ("trigger.kind", '"perhaps"', '"manual"')
    ]
    await letters.redrive("event-k", by="olga")
    await ParkingAttendant(harness.dispatcher).look_after()
    assert handled == ["k"]
    assert await harness.store.handled("event-k")
    assert await harness.store.dead_letters() == []


async def test_a_correction_that_the_schema_refuses_is_refused_with_its_complaint(service: Service) -> None:
    harness, letters, _ = service
    await harness.receives_record(invalid(harness))
    with pytest.raises(NotEditable, match=r"trigger\.kind.*perhaps") as refused:
        await letters.edit("event-k", json.loads(invalid(harness).value), by="olga", reason="try")
    assert [one.path for one in refused.value.complaints] == ["trigger.kind"]
    assert (await letters.find("event-k")).edits == ()


async def test_what_died_of_a_bug_may_only_be_redriven_as_it_is(service: Service) -> None:
    harness, letters, _ = service
    await harness.receives(requested(reason="a bug"), event_id="bug")
    with pytest.raises(NotEditable, match=r"RuntimeError.*redrive it as it is"):
        await letters.edit("bug", valid(), by="olga", reason="try")


async def test_of_two_who_decide_about_the_same_letter_the_second_is_told(service: Service) -> None:
    """Both have read it; without the mark, the edit would bring a letter back that is on its way to its handler."""
    harness, letters, _ = service
    await harness.receives_record(invalid(harness))
    seen = await letters.find("event-k")
    await letters.redrive("event-k", by="ann")
    stale = Letters("trainer", _Remembering(harness.store, seen), harness.clock)
    with pytest.raises(Conflict):
        await stale.edit("event-k", valid(), by="olga", reason="at the same time")
    with pytest.raises(Missing):
        await letters.discard("event-k", by="olga", reason="gone already")


async def test_a_letter_that_dies_again_keeps_its_edits_and_may_be_decided_about_again(service: Service) -> None:
    harness, letters, _ = service
    await harness.receives_record(invalid(harness))
    buggy = {**valid(), "trigger": {"kind": "manual", "key": "k", "reason": "a bug"}}
    await letters.edit("event-k", buggy, by="olga", reason="mended")
    harness.clock.advance(1)
    await letters.redrive("event-k", by="olga")
    await ParkingAttendant(harness.dispatcher).look_after()
    again = await letters.find("event-k")
    assert (again.error, len(again.edits)) == ("RuntimeError", 1)
    await letters.discard("event-k", by="olga", reason="not needed")
    assert [event.decision.kind for event in await announced(harness) if event.decision] == [
        "edited",
        "redriven",
        "discarded",
    ]


async def test_a_discard_leaves_its_reason_in_the_announcement(service: Service) -> None:
    harness, letters, _ = service
    await harness.receives_record(invalid(harness))
    await letters.discard("event-k", by="olga", reason="sent by a test")
    *_, last = await announced(harness)
    assert last.decision is not None
    assert (last.decision.kind, last.decision.by, last.decision.reason) == ("discarded", "olga", "sent by a test")
    assert await harness.store.dead_letters() == []


async def test_all_that_fit_come_back_in_the_order_in_which_they_were_published(service: Service) -> None:
    harness, letters, handled = service
    records = [harness.record_of(requested(key=f"{number}"), event_id=f"e{number}") for number in range(6)]
    for record in (records[place] for place in (3, 0, 5, 1, 4, 2)):
        harness.clock.advance(1)
        await burying.bury(harness.dispatcher, record, Dead("RuntimeError", "a bug"))
    other = harness.record_of(requested(key="other"), event_id="other")
    await burying.bury(harness.dispatcher, other, Dead("Expired", "too late"))
    query = LetterQuery(error="RuntimeError", limit=4)
    first = await letters.redrive_all(query, by="olga")
    second = await letters.redrive_all(query, by="olga")
    assert [(first.redriven, first.left), (second.redriven, second.left)] == [(4, True), (2, False)]
    await ParkingAttendant(harness.dispatcher).look_after()
    assert handled == ["0", "1", "2", "3", "4", "5"]
    assert [letter.id for letter in await harness.store.dead_letters()] == ["other"]


def test_bytes_are_shown_so_that_no_terminal_obeys_them() -> None:
    assert readable(b"\x1b[31mred\xff\n\xc3\xa9") == "\\x1b[31mred\\xff\né"


class _Remembering:
    """A store as one who has read a letter a moment ago remembers it."""

    def __init__(self, store: object, letter: object) -> None:
        self._store = store
        self._letter = letter

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def letter(self, letter_id: str) -> object:
        return self._letter


async def test_a_reason_that_no_broker_takes_decides_nothing(service: Service) -> None:
    harness, letters, _ = service
    await harness.receives_record(invalid(harness))
    with pytest.raises(EventTooLarge):
        await letters.redrive("event-k", by="olga", reason="x" * LARGEST_RECORD)
    assert [letter.id for letter in await harness.store.dead_letters()] == ["event-k"]
    await letters.redrive("event-k", by="olga", reason="mended")
