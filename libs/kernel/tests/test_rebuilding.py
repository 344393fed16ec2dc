"""Rebuilding: projections are replayed into a fresh store, and nothing else happens."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork, requested, skipped

from murmur_events import Event
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_kernel import letters, troubles
from murmur_kernel.consuming import Ack, Dead, Dispatcher, Subscriptions, project, react
from murmur_kernel.errors import Refused
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.rebuilding import Rebuilder, Rebuilt, compare
from murmur_kernel.store import RawRecord, Store
from murmur_kernel.testing import STORES, Harness, ManualClock, StoreName, opened_store
from murmur_kernel.troubles import TROUBLES
from murmur_kernel.unit_of_work import Origin

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
PRESENT = ManualClock(datetime(2026, 9, 1, tzinfo=UTC))
Table = Subscriptions[CounterUnitOfWork]

every_store = pytest.mark.parametrize("name", STORES)


async def count(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
    known = await uow.counters.get(event.workflow) or Counter(event.workflow)
    uow.counters.save(Counter(event.workflow, known.value + 1, group=uow.now.isoformat()))


async def mark(event: TrainingSkipped, uow: CounterUnitOfWork) -> None:
    known = await uow.counters.require(event.workflow)
    uow.counters.save(Counter(known.name, known.value, group=event.detail))


async def speak(event: TrainingSkipped, uow: CounterUnitOfWork) -> None:
    uow.counters.save(Counter("spoken"))
    uow.publish(skipped())


async def work(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
    uow.enqueue("work", job_id=event.workflow)


def history(*events: Event) -> list[tuple[datetime, RawRecord]]:
    harness: Harness[CounterUnitOfWork] = Harness(CounterUnitOfWork, kinds=())
    records = [harness.record_of(event, event_id=f"e-{number}") for number, event in enumerate(events)]
    return [(BEGIN + timedelta(seconds=number), record) for number, record in enumerate(records)]


async def rebuilt(store: Store, table: Table, told: Sequence[tuple[datetime, RawRecord]]) -> Rebuilt:
    return await Rebuilder("registry", store, CounterUnitOfWork, table, start=BEGIN, clock=PRESENT).replay(told)


@every_store
async def test_projections_are_replayed_at_the_time_of_their_events(name: StoreName) -> None:
    async with opened_store(name, (COUNTERS,)) as store:
        result = await rebuilt(store, (project(TrainingRequested, count),), history(requested(), requested()))
        kept = await store.get("counter", "credit")
        assert kept is not None
        assert COUNTERS.load(kept.body) == Counter("credit", 2, group=(BEGIN + timedelta(seconds=1)).isoformat())
        assert result.handled == 2


@every_store
async def test_reactions_are_not_replayed_and_nothing_is_published(name: StoreName) -> None:
    async with opened_store(name, (COUNTERS,)) as store:
        table = (project(TrainingRequested, count), react(TrainingSkipped, speak))
        await rebuilt(store, table, history(requested(), skipped()))
        assert await store.get("counter", "spoken") is None
        assert await store.outbox(10) == []


@every_store
async def test_a_projection_that_speaks_is_refused_and_told(name: StoreName) -> None:
    async with opened_store(name, (COUNTERS,)) as store:
        result = await rebuilt(store, (project(TrainingSkipped, speak),), history(skipped()))
        assert list(result.dead) == ["e-0"]
        assert "TrainingSkipped" in result.dead["e-0"]
        assert await store.outbox(10) == []
        assert await store.get("counter", "spoken") is None
        assert [letter.id for letter in await store.dead_letters()] == ["e-0"]


async def test_a_projection_that_asks_for_work_is_refused() -> None:
    async with opened_store("memory", (COUNTERS,)) as store:
        with pytest.raises(Refused, match="asks for work"):
            await rebuilt(store, (project(TrainingRequested, work),), history(requested()))


@every_store
async def test_an_event_before_its_prerequisite_waits_for_it_and_its_key_waits_behind(name: StoreName) -> None:
    table = (project(TrainingRequested, count), project(TrainingSkipped, mark))
    async with opened_store(name, (COUNTERS,)) as store:
        told = history(skipped(detail="first"), skipped(detail="second"), requested(), skipped("nobody", "lost"))
        result = await rebuilt(store, table, told)
        kept = await store.get("counter", "credit")
        assert kept is not None
        assert COUNTERS.load(kept.body).group == "second"
        assert (result.handled, result.waiting) == (3, ["e-3"])
        assert [one.id for one in await store.parked()] == ["e-3"]


async def test_one_that_waits_is_tried_again_when_what_it_awaits_is_saved_and_at_nothing_else() -> None:
    tries: list[str] = []

    async def mark_and_tell(event: TrainingSkipped, uow: CounterUnitOfWork) -> None:
        tries.append(event.workflow)
        await mark(event, uow)

    table = (project(TrainingRequested, count), project(TrainingSkipped, mark_and_tell))
    async with opened_store("memory", (COUNTERS,)) as store:
        others = [requested(f"other-{number}") for number in range(20)]
        result = await rebuilt(store, table, history(skipped("late"), *others, requested("late"), *others))
    assert (tries, result.handled) == (["late", "late"], 42)


@every_store
async def test_what_waits_at_the_end_is_parked_as_if_it_had_come_now(name: StoreName) -> None:
    table = (project(TrainingRequested, count), project(TrainingSkipped, mark))
    async with opened_store(name, (COUNTERS,)) as store:
        await rebuilt(store, table, history(skipped("late", "first"), skipped("late", "second")))
        assert [(one.awaits, one.ready) for one in await store.parked()] == [("counter/late", False), ("", True)]
        assert {one.deadline for one in await store.parked()} == {PRESENT.now() + timedelta(minutes=5)}
        dispatcher = Dispatcher("registry", store, PRESENT, CounterUnitOfWork, table)
        attendant = ParkingAttendant(dispatcher)
        await attendant.look_after()
        assert await store.dead_letters() == []
        *_, (_, late) = history(requested("a"), requested("b"), requested("late"))
        assert await dispatcher.handle(late) == Ack()
        await attendant.look_after()
        kept = await store.get("counter", "late")
        assert kept is not None
        assert COUNTERS.load(kept.body).group == "second"


@every_store
async def test_a_record_that_died_in_the_replay_does_not_die_again(name: StoreName) -> None:
    table = (project(TrainingSkipped, speak),)
    async with opened_store(name, (COUNTERS,)) as store:
        told = history(skipped())
        result = await rebuilt(store, table, [*told, *told])
        assert list(result.dead) == ["e-0"]
        (letter,) = await store.dead_letters()
        dispatcher = Dispatcher("registry", store, PRESENT, CounterUnitOfWork, table)
        await letters.bury(dispatcher, told[0][1], Dead("PublishingForbidden", "as before"))
        assert await store.dead_letters() == [letter]
        assert await store.outbox(10) == []


async def test_a_service_that_only_reacts_has_nothing_to_rebuild() -> None:
    async with opened_store("memory") as store:
        with pytest.raises(Refused, match="no projections"):
            Rebuilder("registry", store, CounterUnitOfWork, (react(TrainingSkipped, speak),), start=BEGIN)


async def test_troubles_are_no_difference() -> None:
    async with opened_store("memory", (COUNTERS, TROUBLES)) as before, opened_store("memory", (COUNTERS,)) as after:
        unit = CounterUnitOfWork(before, Origin(id="look", source="trainer", now=BEGIN))
        await troubles.begin(unit, "late", about="credit", title="late", detail="")
        await unit.commit()
        found = await compare(before, after, (COUNTERS, TROUBLES), only_projections=True)
        assert found.none


async def test_differences_between_two_stores_are_named() -> None:
    table = (project(TrainingRequested, count),)
    async with opened_store("memory", (COUNTERS,)) as before, opened_store("memory", (COUNTERS,)) as after:
        await rebuilt(before, table, history(requested("a"), requested("b"), requested("c")))
        await rebuilt(after, table, history(requested("a"), requested("d"), requested("c"), requested("c")))
        found = await compare(before, after, (COUNTERS,), only_projections=True)
        assert (found.same, found.only_before, found.only_rebuilt) == (1, ["counter/b"], ["counter/d"])
        assert found.different == ["counter/c"]
