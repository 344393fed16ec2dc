"""Relays of two replicas over one outbox: changes of the leader, and leaders that come back from the dead."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
from counting import COUNTERS
from mongo_tools import envelope

from murmur_events import Record
from murmur_kernel.bus.memory import MemoryBroker, MemorySink
from murmur_kernel.outbox import OutboxRelay
from murmur_kernel.store import ChangeSet, MemoryStore, MongoStore, Store
from murmur_kernel.testing import ManualClock, eventually, opened_store

KEYS = ("a", "b", "c")


@pytest.fixture(params=("memory", "mongodb"))
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Store, Store]]:
    """What two replicas see of one store."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            store: Store = MemoryStore()
            yield store, store
            return
        first = await stack.enter_async_context(opened_store(request.getfixturevalue("mongodb"), [COUNTERS]))
        assert isinstance(first, MongoStore)
        second = MongoStore(request.getfixturevalue("mongodb"), first.engine.database)
        await second.open({})
        stack.push_async_callback(second.close)
        yield first, second


class StoppingSink(MemorySink):
    """Stops like a process at SIGSTOP, before or after the broker has the records, until it is continued."""

    def __init__(self, broker: MemoryBroker, *, before: bool) -> None:
        super().__init__(broker)
        self._before = before
        self.stopped = asyncio.Event()
        self.continued = asyncio.Event()

    async def send(self, records: Sequence[Record]) -> None:
        if not self._before:
            await super().send(records)
        self.stopped.set()
        await self.continued.wait()
        if self._before:
            await super().send(records)


def first_occurrences(broker: MemoryBroker) -> dict[str, list[str]]:
    """Per key, the ids in the order in which a consumer that drops repeats handles them."""
    seen: dict[str, list[str]] = {key: [] for key in KEYS}
    for record in broker.records("training.requested"):
        event_id = dict(record.headers)["ce_id"].decode()
        if event_id not in seen[record.key]:
            seen[record.key].append(event_id)
    return seen


async def commit(store: Store, numbers: range) -> None:
    for number in numbers:
        await store.commit(ChangeSet(envelopes=[envelope(f"{number}", key) for key in KEYS]))


@pytest.mark.parametrize("before", [True, False])
async def test_a_leader_that_comes_back_from_the_dead_loses_and_reorders_nothing(
    stores: tuple[Store, Store], before: bool
) -> None:
    broker, clock = MemoryBroker(), ManualClock()
    sink = StoppingSink(broker, before=before)
    zombie = OutboxRelay(stores[0], sink, clock, "trainer-0")
    leader = OutboxRelay(stores[1], MemorySink(broker), clock, "trainer-1")

    await commit(stores[0], range(5))
    coming_back = asyncio.create_task(zombie.publish_some())
    await sink.stopped.wait()
    await commit(stores[1], range(5, 10))
    assert not await leader.publish_some()
    clock.advance(11)
    assert await leader.publish_some()
    await commit(stores[1], range(10, 15))
    sink.continued.set()
    await coming_back
    assert (await stores[0].outbox_depth())[0] == 15
    assert await leader.publish_some()
    assert not await leader.publish_some()

    assert first_occurrences(broker) == {key: [f"{number}" for number in range(15)] for key in KEYS}
    assert (await stores[0].outbox_depth())[0] == 0


async def test_a_lease_that_is_lost_in_mid_batch_ends_the_batch(stores: tuple[Store, Store]) -> None:
    broker, clock = MemoryBroker(), ManualClock()
    sink = StoppingSink(broker, before=False)
    zombie = OutboxRelay(stores[0], sink, clock, "trainer-0")
    for start in range(0, 240, 80):
        await stores[0].commit(ChangeSet(envelopes=[envelope(f"{start + n}", "a") for n in range(80)]))
    coming_back = asyncio.create_task(zombie.publish_some())
    await sink.stopped.wait()
    clock.advance(11)
    assert await stores[1].lease("relay", "trainer-1", clock.now(), clock.now().replace(year=2100))
    sink.continued.set()
    assert not await coming_back
    assert len(broker.records("training.requested")) == 100
    assert (await stores[0].outbox_depth())[0] == 140


async def test_who_has_nothing_left_to_publish_lets_others_publish_at_once(stores: tuple[Store, Store]) -> None:
    broker, clock = MemoryBroker(), ManualClock()
    relays = [OutboxRelay(store, MemorySink(broker), clock, f"trainer-{n}") for n, store in enumerate(stores)]
    for number in range(4):
        await commit(stores[number % 2], range(number, number + 1))
        assert await relays[number % 2].publish_some()
        assert not await relays[number % 2].publish_some()
    assert first_occurrences(broker) == {key: ["0", "1", "2", "3"] for key in KEYS}


class CountingSink(MemorySink):
    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self.sizes: list[int] = []

    async def send(self, records: Sequence[Record]) -> None:
        await super().send(records)
        self.sizes.append(len(records))


async def test_what_nobody_waits_for_travels_with_what_comes_soon_after(stores: tuple[Store, Store]) -> None:
    broker, store = MemoryBroker(), stores[0]
    sink = CountingSink(broker)
    relay = OutboxRelay(store, sink, ManualClock(), "tracking-0")

    running = asyncio.create_task(relay.run())
    try:
        for number in range(20):
            await commit(store, range(number, number + 1))
            relay.wake(hurry=False)
            for _ in range(20):
                await asyncio.sleep(0)  # the relay's turns, in which it could send
        await eventually(lambda: sum(sink.sizes) == 60)
        assert len(sink.sizes) < 20
        await commit(store, range(20, 21))
        relay.wake()
        await eventually(lambda: sum(sink.sizes) == 63)
    finally:
        running.cancel()
    assert first_occurrences(broker) == {key: [f"{number}" for number in range(21)] for key in KEYS}
