"""Parked records in line: whoever waits longer holds back those of its key, and nobody is forgotten."""

from collections.abc import AsyncIterator

import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork, requested

from murmur_events.training import TrainingRequested
from murmur_kernel import letters
from murmur_kernel.consuming import Dead, react
from murmur_kernel.deciding import Letters
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.testing import STORES, Harness, StoreName


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
    await letters.park(harness.dispatcher, harness.record_of(requested(key="behind")), "counter/one")
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
    awaits = await harness.store.blocked("training.requested", "credit")
    assert awaits is not None
    await letters.park(harness.dispatcher, harness.record_of(requested(key="next")), awaits)
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
    await letters.park(harness.dispatcher, harness.record_of(requested(key="first")), "counter/one")
    harness.clock.advance(200)
    await letters.park(harness.dispatcher, harness.record_of(requested(key="behind")), "counter/one")
    harness.clock.advance(101)
    await attendant.look_after()
    await attendant.look_after()
    assert handled == ["behind"]
    assert len(await harness.store.dead_letters()) == 1
