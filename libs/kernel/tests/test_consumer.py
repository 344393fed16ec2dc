"""The consumer over the fake broker: order per key, nothing skipped, back-pressure, a finite drain."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from counting import COUNTERS, CounterUnitOfWork, requested, skipped

from murmur_events import Envelope, to_record
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.consumer import Consumer, Progress
from murmur_kernel.consuming import Dispatcher, react
from murmur_kernel.errors import Transient
from murmur_kernel.outbox import OutboxRelay
from murmur_kernel.store import ChangeSet, MemoryStore, Store
from murmur_kernel.testing import ManualClock, eventually

Handler = Callable[[TrainingRequested, CounterUnitOfWork], Awaitable[None]]


def envelope(event_id: str, key: str = "credit", reason: str = "") -> Envelope:
    return Envelope(
        id=event_id,
        source="client",
        topic="training.requested",
        key=key,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        sequence=1,
        correlation_id=event_id,
        causation_id=None,
        event=requested(key, reason=reason or event_id),
    )


async def send(broker: MemoryBroker, *envelopes: Envelope) -> None:
    await MemorySink(broker).send([to_record(one) for one in envelopes])


@asynccontextmanager
async def consuming(broker: MemoryBroker, store: Store, handler: Handler, **options: float) -> AsyncIterator[Consumer]:
    dispatcher = Dispatcher("trainer", store, ManualClock(), CounterUnitOfWork, (react(TrainingRequested, handler),))
    consumer = Consumer(MemorySource(broker, "g", dispatcher.topics, wait=0.01), dispatcher, **options)  # type: ignore[arg-type]
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
async def store() -> Store:
    store = MemoryStore()
    await store.open({COUNTERS.name: COUNTERS.indexes})
    return store


async def test_events_of_one_key_keep_their_order_and_keys_run_side_by_side(broker: MemoryBroker, store: Store) -> None:
    seen: list[str] = []
    gate = asyncio.Event()

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        if event.workflow == "slow":
            await gate.wait()
        seen.append(event.trigger.reason)

    await send(broker, envelope("s1", "slow"), envelope("f1", "fast"), envelope("s2", "slow"), envelope("f2", "fast"))
    async with consuming(broker, store, handler):
        await eventually(lambda: seen == ["f1", "f2"])
        gate.set()
        await eventually(lambda: seen == ["f1", "f2", "s1", "s2"])


async def test_what_somebody_else_says_is_passed_by(broker: MemoryBroker, store: Store) -> None:
    seen: list[str] = []

    async def note(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        seen.append(event.trigger.reason)

    subscription = react(TrainingRequested, note, said_by="registry")
    dispatcher = Dispatcher("trainer", store, ManualClock(), CounterUnitOfWork, (subscription,))
    source = MemorySource(broker, "g", dispatcher.topics, wait=0.01)
    consumer = asyncio.create_task(Consumer(source, dispatcher).run())
    await send(broker, envelope("1"), replace(envelope("2"), source="registry"), envelope("3"))
    await eventually(lambda: seen)
    consumer.cancel()
    assert seen == ["2"]
    assert [await store.handled(one) for one in "123"] == [False, True, False]


async def test_only_the_prefix_without_a_gap_is_committed(broker: MemoryBroker, store: Store) -> None:
    progress = Progress()
    for offset in (5, 6, 7):
        progress.begin(offset)
    progress.finish(6)
    assert progress.committable is None
    progress.finish(5)
    assert progress.committable == 7
    assert len(progress) == 1


async def test_a_crash_repeats_what_was_not_committed_and_the_inbox_absorbs_it(
    broker: MemoryBroker, store: Store
) -> None:
    handled: list[str] = []

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        handled.append(event.trigger.reason)

    await send(broker, envelope("a"), envelope("b"))
    async with consuming(broker, store, handler):
        await eventually(lambda: len(handled) == 2)
    broker.committed.clear()
    await send(broker, envelope("c"))
    async with consuming(broker, store, handler):
        await eventually(lambda: "c" in handled)
    assert handled == ["a", "b", "c"]


async def test_an_infrastructure_that_fails_holds_its_key_back_until_it_is_well(
    broker: MemoryBroker, store: Store
) -> None:
    tries: list[str] = []

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        tries.append(event.trigger.reason)
        if len(tries) < 3:
            raise Transient("away")

    await send(broker, envelope("a"), envelope("b"))
    async with consuming(broker, store, handler):
        await eventually(lambda: tries == ["a", "a", "a", "b"])


async def test_poison_does_not_stop_the_key_behind_it(broker: MemoryBroker, store: Store) -> None:
    handled: list[str] = []

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        if event.trigger.reason == "poison":
            raise RuntimeError("a bug")
        handled.append(event.trigger.reason)

    await send(broker, envelope("p", reason="poison"), envelope("a"))
    async with consuming(broker, store, handler):
        await eventually(lambda: handled == ["a"])
        await eventually(lambda: len(broker.committed) == 1)
    assert [letter.id for letter in await store.dead_letters()] == ["p"]


async def test_events_behind_a_parked_one_of_their_key_wait_behind_it(broker: MemoryBroker, store: Store) -> None:
    handled: list[str] = []

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        if event.trigger.reason == "early":
            await uow.counters.require("prerequisite")
        handled.append(event.trigger.reason)

    await send(broker, envelope("e", reason="early"), envelope("a"), envelope("o", "other"))
    async with consuming(broker, store, handler):
        await eventually(lambda: handled == ["o"])
        await eventually(lambda: len(broker.committed) == 2)
    assert [(parked.id, parked.awaits) for parked in await store.parked()] == [("e", "counter/prerequisite"), ("a", "")]


async def test_what_was_handled_before_is_not_parked_behind_what_waits_now(broker: MemoryBroker, store: Store) -> None:
    """It would wait in vain, and die although it was handled."""
    handled: list[str] = []

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        if event.trigger.reason == "early":
            await uow.counters.require("prerequisite")
        handled.append(event.trigger.reason)

    await send(broker, envelope("a"), envelope("e", reason="early"))
    for _ in range(2):
        broker.committed.clear()
        async with consuming(broker, store, handler):
            await eventually(lambda: list(broker.committed.values()) == [2])
    assert handled == ["a"]
    assert [parked.id for parked in await store.parked()] == ["e"]


async def test_a_partition_with_too_much_under_way_is_paused_and_resumed(broker: MemoryBroker, store: Store) -> None:
    gate = asyncio.Event()
    handled: list[str] = []

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        await gate.wait()
        handled.append(event.trigger.reason)

    await send(broker, *(envelope(f"e{n}") for n in range(12)))
    async with consuming(broker, store, handler, high_water=10) as consumer:
        place = next(iter(broker.log))
        source = consumer._source
        assert isinstance(source, MemorySource)
        await eventually(lambda: place in source._paused)
        gate.set()
        await eventually(lambda: place not in source._paused)
        await eventually(lambda: len(handled) == 12)


async def test_leaving_finishes_what_is_under_way_and_commits_it(broker: MemoryBroker, store: Store) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        begun.set()
        await gate.wait()
        finished.append(event.trigger.reason)

    await send(broker, envelope("a"), envelope("b"))
    async with consuming(broker, store, handler):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.1, gate.set)
    assert finished == ["a"]
    assert list(broker.committed.values()) == [1]


async def test_leaving_takes_no_longer_than_its_limit(broker: MemoryBroker, store: Store) -> None:
    begun = asyncio.Event()

    async def handler(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        begun.set()
        await asyncio.Event().wait()

    await send(broker, envelope("a"))
    async with asyncio.timeout(5), consuming(broker, store, handler, drain_seconds=0.05):
        await begun.wait()
    assert broker.committed == {}


class UnreliableSink(MemorySink):
    """Appends the batch but fails to say so, `failures` times."""

    def __init__(self, broker: MemoryBroker, failures: int) -> None:
        super().__init__(broker)
        self.failures = failures

    async def send(self, records: object) -> None:
        await super().send(records)  # type: ignore[arg-type]  # passed through
        if self.failures:
            self.failures -= 1
            raise Transient("no acknowledgement")


async def test_the_relay_repeats_unacknowledged_events_under_the_same_ids(broker: MemoryBroker, store: Store) -> None:
    relay = OutboxRelay(store, UnreliableSink(broker, failures=1), ManualClock(), "trainer-0")
    await store.commit(ChangeSet(envelopes=[envelope("a"), envelope("b")]))
    with pytest.raises(Transient):
        await relay.publish_some()
    assert await relay.publish_some()
    assert not await relay.publish_some()
    ids = [dict(record.headers)["ce_id"] for record in broker.records("training.requested")]
    assert ids == [b"a", b"b", b"a", b"b"]


async def test_a_relay_without_the_lease_publishes_nothing(broker: MemoryBroker, store: Store) -> None:
    clock = ManualClock()
    first = OutboxRelay(store, MemorySink(broker), clock, "trainer-0")
    second = OutboxRelay(store, MemorySink(broker), clock, "trainer-1")
    await store.commit(ChangeSet(envelopes=[envelope("a")]))
    assert await first.publish_some()
    await store.commit(ChangeSet(envelopes=[envelope("b")]))
    assert not await second.publish_some()
    clock.advance(11)
    assert await second.publish_some()
    assert len(broker.records("training.requested")) == 2


async def test_a_topic_whose_handlers_are_all_busy_takes_no_turns_of_another(
    broker: MemoryBroker, store: Store
) -> None:
    gate, heard = asyncio.Event(), asyncio.Event()

    async def busy(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
        await gate.wait()

    async def other(event: TrainingSkipped, uow: CounterUnitOfWork) -> None:
        heard.set()

    table = (react(TrainingRequested, busy), react(TrainingSkipped, other))
    dispatcher = Dispatcher("trainer", store, ManualClock(), CounterUnitOfWork, table)
    consumer = Consumer(MemorySource(broker, "g", dispatcher.topics, wait=0.01), dispatcher, concurrency=4)
    await send(broker, *(envelope(f"e{number}", f"w{number}") for number in range(50)))
    await send(broker, replace(envelope("other"), topic="training.skipped", event=skipped()))
    task = asyncio.create_task(consumer.run())
    await asyncio.wait_for(heard.wait(), 5)
    gate.set()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
