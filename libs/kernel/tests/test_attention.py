"""Troubles are told once when they begin and once when they have ended; deadlines and dead letters are among them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork, requested

from murmur_events.training import TrainingRequested
from murmur_events.troubles import TroubleReported
from murmur_kernel import troubles
from murmur_kernel.attention import Attention
from murmur_kernel.consuming import react
from murmur_kernel.deciding import Letters
from murmur_kernel.forgetting import KEPT, Forgetter
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.store import ChangeSet, Fence, JobRow
from murmur_kernel.testing import STORES, Harness, StoreName
from murmur_kernel.unit_of_work import Chain


@pytest.fixture(params=STORES)
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness[CounterUnitOfWork]]:
    name: StoreName = request.param

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        await uow.counters.require("prerequisite")

    async with Harness(
        CounterUnitOfWork,
        kinds=(COUNTERS,),
        subscriptions=(react(TrainingRequested, handler),),
        store=name,
        service="trainer",
    ) as harness:
        yield harness


async def told(harness: Harness[CounterUnitOfWork]) -> list[tuple[str, str]]:
    rows = await harness.store.outbox(500)
    if rows:
        await harness.store.published(rows[-1].position)
    events = [row.envelope.event for row in rows]
    return [(event.state, event.trouble) for event in events if isinstance(event, TroubleReported)]


async def test_an_event_parked_past_its_deadline_is_a_trouble_until_its_letter_is_decided_about(
    harness: Harness[CounterUnitOfWork],
) -> None:
    attention = Attention("trainer", harness.store, harness.clock)
    await harness.receives(requested(key="1"), event_id="waits")
    await attention.look()
    assert await told(harness) == []
    harness.clock.advance(301)
    await ParkingAttendant(harness.dispatcher).look_after()
    await attention.look()
    await attention.look()
    assert await told(harness) == [("began", "unattended/dead-letters/training.requested")]
    await Letters("trainer", harness.store, harness.clock).discard("waits", by="olga", reason="a test")
    await attention.look()
    assert await told(harness) == [("ended", "unattended/dead-letters/training.requested")]


async def test_a_flood_of_dead_letters_is_one_trouble_and_a_restart_tells_nothing_twice(
    harness: Harness[CounterUnitOfWork],
) -> None:
    for number in range(5):
        await harness.receives(requested(f"w{number}"))
    harness.clock.advance(301)
    await ParkingAttendant(harness.dispatcher).look_after()
    assert sum((await harness.store.letter_counts()).values()) == 5
    for attention in (Attention("trainer", harness.store, harness.clock) for _ in range(2)):
        await attention.look()
    assert await told(harness) == [("began", "unattended/dead-letters/training.requested")]


async def test_a_job_that_was_given_up_is_a_trouble(harness: Harness[CounterUnitOfWork]) -> None:
    row = JobRow(
        id="j", kind="count", payload="{}", due=harness.clock.now(), correlation_id="c", causation_id=None, attempt=0
    )
    await harness.store.commit(ChangeSet(jobs=[row]))
    claimed = await harness.store.claim(["count"], "a", harness.clock.now(), harness.clock.now() + timedelta(seconds=9))
    assert claimed is not None
    await harness.store.give_up(Fence("j", 1), "hopeless")
    await Attention("trainer", harness.store, harness.clock).look()
    assert await told(harness) == [("began", "unattended/failed-job/j")]


async def test_a_trouble_begins_once_ends_once_and_stays_in_its_chain(harness: Harness[CounterUnitOfWork]) -> None:
    async def begin(_: None, uow: CounterUnitOfWork) -> None:
        uow.resume(Chain("chain", "asked"))
        await troubles.begin(uow, "late", about="credit", title="late", detail="no verdict")

    async def end(_: None, uow: CounterUnitOfWork) -> None:
        await troubles.end(uow, "late", "it came")

    for step in (end, begin, begin, end, end, begin):
        await harness.change(step, None)
    states = [event.state for event in harness.published if isinstance(event, TroubleReported)]
    assert states == ["began", "ended", "began"]
    assert harness.envelopes[0].correlation_id == "chain"


async def test_marks_are_forgotten_when_the_broker_cannot_hand_the_event_out_again(
    harness: Harness[CounterUnitOfWork],
) -> None:
    await harness.store.commit(ChangeSet(mark="for ever"))
    await harness.change(_nothing, None, key="call")
    await harness.given(Counter("prerequisite"))
    for number in range(3):
        await harness.receives(requested(key=f"{number}"), event_id=f"e{number}")
    forgetter = Forgetter(harness.store, harness.clock)
    harness.clock.advance(KEPT.total_seconds() - 1)
    assert await forgetter.forget() == 0
    assert await harness.store.handled("e0")
    harness.clock.advance(2)
    assert await forgetter.forget() == 4
    assert [await harness.store.handled(mark) for mark in ("e0", "call/call", "for ever")] == [False, False, True]
    assert await harness.store.answer("call/call") is None


async def test_the_mark_of_a_record_that_may_be_handed_in_again_is_kept(harness: Harness[CounterUnitOfWork]) -> None:
    """Its broker has forgotten it, our own store has not."""
    await harness.receives(requested(), event_id="waits")
    harness.clock.advance(301)
    await ParkingAttendant(harness.dispatcher).look_after()
    await harness.store.commit(ChangeSet(mark="waits", forget_at=harness.clock.now()))
    assert await Forgetter(harness.store, harness.clock).forget() == 0
    await Letters("trainer", harness.store, harness.clock).discard("waits", by="o", reason="r")
    assert await Forgetter(harness.store, harness.clock).forget() == 1


async def _nothing(_: None, uow: CounterUnitOfWork) -> None:
    return None
