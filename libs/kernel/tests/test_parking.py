"""Parked records in line: whoever waits longer holds back those of its key, and nobody is forgotten."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork, requested

from murmur_events.training import TrainingRequested
from murmur_kernel import letters
from murmur_kernel.consuming import Dead, react
from murmur_kernel.deciding import Letters
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.testing import STORES, Harness, StoreName, eventually


@pytest.fixture(params=STORES)
async def service(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Harness[CounterUnitOfWork], list[str]]]:
    name: StoreName = request.param
    handled: list[str] = []

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        if event.trigger.key == "first":
            await uow.counters.require("one")
            await uow.counters.require("two")
        handled.append(event.trigger.key)

    async with Harness(
        CounterUnitOfWork,
        kinds=(COUNTERS,),
        subscriptions=(react(TrainingRequested, handler),),
        store=name,
        service="trainer",
    ) as harness:
        yield harness, handled


async def test_a_record_that_waits_a_second_time_keeps_its_place(
    service: tuple[Harness[CounterUnitOfWork], list[str]],
) -> None:
    harness, handled = service
    attendant = ParkingAttendant(harness.dispatcher)
    await letters.park(harness.dispatcher, harness.record_of(requested(key="first")), "counter/one")
    await letters.park(harness.dispatcher, harness.record_of(requested(key="behind")), "")
    await harness.given(Counter("one"))
    await attendant.look_after()
    assert handled == []
    await harness.given(Counter("two"))
    await attendant.look_after()
    assert handled == ["first", "behind"]


async def test_a_record_that_comes_while_a_redriven_one_waits_gets_its_turn(
    service: tuple[Harness[CounterUnitOfWork], list[str]],
) -> None:
    harness, handled = service
    dead = harness.record_of(requested(key="dead"), event_id="dead")
    await letters.bury(harness.dispatcher, dead, Dead("RuntimeError", "a bug"))
    await Letters("trainer", harness.store, harness.clock).redrive("dead", by="olga")
    assert await harness.store.blocked("training.requested", "credit")
    await letters.park(harness.dispatcher, harness.record_of(requested(key="next")), "")
    await ParkingAttendant(harness.dispatcher).look_after()
    assert handled == ["dead", "next"]
    assert await harness.store.parked() == []


async def test_a_record_whose_prerequisite_never_comes_is_buried_at_its_deadline(
    service: tuple[Harness[CounterUnitOfWork], list[str]],
) -> None:
    harness, handled = service
    await harness.receives(requested(key="first"), event_id="waits")
    harness.clock.advance(301)
    await ParkingAttendant(harness.dispatcher).look_after()
    (letter,) = await harness.store.dead_letters()
    assert letter.error == "Expired"
    assert "counter/one never came" in letter.reason
    assert handled == []


async def test_what_stood_behind_a_record_that_expired_is_tried_itself(
    service: tuple[Harness[CounterUnitOfWork], list[str]],
) -> None:
    harness, handled = service
    attendant = ParkingAttendant(harness.dispatcher)
    for key in ("first", "second", "third"):
        await harness.receives_in_turn(harness.record_of(requested(key=key), event_id=key))
        harness.clock.advance(0.5)
    harness.clock.advance(301)  # the deadline of each has passed
    await attendant.look_after()
    assert handled == []
    await attendant.look_after()
    assert handled == ["second", "third"]
    assert [letter.id for letter in await harness.store.dead_letters()] == ["first"]
    assert await harness.store.parked() == []


async def test_what_stood_behind_and_waits_in_vain_itself_is_told_by_its_own_prerequisite(
    service: tuple[Harness[CounterUnitOfWork], list[str]],
) -> None:
    harness, handled = service
    attendant = ParkingAttendant(harness.dispatcher)
    await harness.receives_in_turn(harness.record_of(requested(key="first"), event_id="1"))
    await harness.receives_in_turn(harness.record_of(requested(key="other"), event_id="2"))
    harness.clock.advance(200)
    await harness.receives_in_turn(harness.record_of(requested(key="first"), event_id="3"))
    harness.clock.advance(101)
    for _ in range(3):
        await attendant.look_after()
    assert handled == ["other"]
    assert [(one.id, one.awaits, one.ready) for one in await harness.store.parked()] == [("3", "counter/one", False)]
    harness.clock.advance(200)
    await attendant.look_after()
    assert [letter.id for letter in await harness.store.dead_letters()] == ["1", "3"]


async def test_what_waited_while_the_service_was_down_has_its_patience_again(
    service: tuple[Harness[CounterUnitOfWork], list[str]],
) -> None:
    harness, handled = service

    async def a_round() -> None:
        """One that begins now, and the end of any before it."""
        key = f"round {len(handled)}"
        await letters.park(harness.dispatcher, harness.record_of(requested(key, key=key)), "")
        attendant.wake()
        await eventually(lambda: key in handled)

    await harness.receives(requested(key="first"), event_id="waits")
    harness.clock.advance(10_000)
    attendant = ParkingAttendant(harness.dispatcher)
    task = asyncio.create_task(attendant.run())
    for seconds in (0, 299):
        harness.clock.advance(seconds)
        await a_round()
        await a_round()
        assert await harness.store.dead_letters() == []
    harness.clock.advance(1)
    await a_round()
    await a_round()
    assert [letter.id for letter in await harness.store.dead_letters()] == ["waits"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
