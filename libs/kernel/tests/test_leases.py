"""One replica at a time."""

import asyncio
from datetime import timedelta

import pytest

from murmur_kernel.clock import SystemClock
from murmur_kernel.errors import StoreUnavailable
from murmur_kernel.leases import Leadership, Lease
from murmur_kernel.store import MemoryStore, Store
from murmur_kernel.testing import ManualClock, eventually


def lease(store: Store, owner: str, *, seconds: float = 0.3, clock: ManualClock | SystemClock | None = None) -> Lease:
    return Lease(store, clock or SystemClock(), "work", owner, timedelta(seconds=seconds))


class Work:
    """Never returns; tells who is at it."""

    def __init__(self) -> None:
        self.at_it: list[str] = []

    async def run(self, owner: str) -> None:
        self.at_it.append(owner)
        try:
            await asyncio.Event().wait()
        finally:
            self.at_it.remove(owner)


async def test_a_lease_is_asked_for_again_only_when_a_third_of_it_is_gone() -> None:
    store, clock = MemoryStore(), ManualClock()
    mine = lease(store, "a", seconds=9, clock=clock)
    assert await mine.hold()
    clock.advance(2)
    await store.lease("work", "a", clock.now(), clock.now())
    assert await store.lease("work", "b", clock.now(), clock.now() + timedelta(seconds=9))
    assert await mine.hold()
    clock.advance(2)
    assert not await mine.hold()


async def test_a_lease_given_back_is_free_at_once() -> None:
    store, clock = MemoryStore(), ManualClock()
    mine, other = lease(store, "a", clock=clock), lease(store, "b", clock=clock)
    assert await mine.hold()
    assert not await other.hold()
    await mine.give_back()
    assert await other.hold()


async def test_background_work_is_done_by_one_replica_and_taken_over_when_that_one_leaves() -> None:
    store, work = MemoryStore(), Work()
    leaders = {
        owner: asyncio.create_task(Leadership(lease(store, owner)).run(lambda owner=owner: work.run(owner)))  # type: ignore[misc]
        for owner in ("a", "b")
    }
    await eventually(lambda: work.at_it)
    (first,) = work.at_it
    await asyncio.wait(leaders.values(), timeout=0.5)
    assert work.at_it == [first]
    leaders.pop(first).cancel()
    (second,) = leaders
    await eventually(lambda: work.at_it == [second])
    leaders[second].cancel()
    await asyncio.gather(*leaders.values(), return_exceptions=True)


async def test_who_has_lost_the_lease_stops_its_work() -> None:
    store, work = MemoryStore(), Work()
    leader = asyncio.create_task(Leadership(lease(store, "a")).run(lambda: work.run("a")))
    await eventually(lambda: work.at_it)
    now = SystemClock().now()
    await store.lease("work", "a", now, now)
    assert await store.lease("work", "b", now, now + timedelta(minutes=1))
    await eventually(lambda: not work.at_it)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)


async def test_work_that_dies_is_not_hidden() -> None:
    async def dies() -> None:
        raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable, match="gone"):
        await Leadership(lease(MemoryStore(), "a")).run(dies)


async def test_a_replica_that_follows_says_so() -> None:
    store, work = MemoryStore(), Work()
    now = SystemClock().now()
    assert await store.lease("work", "b", now, now + timedelta(seconds=0.5))
    leadership = Leadership(lease(store, "a"))
    leader = asyncio.create_task(leadership.run(lambda: work.run("a")))
    await eventually(lambda: leadership.follows)
    await eventually(lambda: work.at_it)
    assert not leadership.follows
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
