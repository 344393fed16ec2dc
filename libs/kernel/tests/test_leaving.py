"""A loop that is woken and told to end in the same moment ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from counting import COUNTERS, CounterUnitOfWork

from murmur_kernel.bus.memory import MemoryBroker, MemorySink
from murmur_kernel.jobs import JobRunner
from murmur_kernel.outbox import OutboxRelay
from murmur_kernel.parking import ParkingAttendant
from murmur_kernel.testing import Harness

Loop = tuple[Callable[[], Awaitable[None]], Callable[[], None]]


def relay(harness: Harness[CounterUnitOfWork]) -> Loop:
    relay = OutboxRelay(harness.store, MemorySink(MemoryBroker()), harness.clock, "r")
    return relay.run, relay.wake


def parking(harness: Harness[CounterUnitOfWork]) -> Loop:
    attendant = ParkingAttendant(harness.dispatcher)
    return attendant.run, attendant.wake


def jobs(harness: Harness[CounterUnitOfWork]) -> Loop:
    runner = JobRunner("s", harness.store, harness.clock, CounterUnitOfWork, {}, owner="s-0")
    return runner.run, runner.wake


@pytest.mark.parametrize("make", [relay, parking, jobs])
async def test_being_woken_does_not_swallow_being_ended(make: Callable[[Harness[CounterUnitOfWork]], Loop]) -> None:
    async with Harness(CounterUnitOfWork, kinds=(COUNTERS,)) as harness:
        run, wake = make(harness)
        task = asyncio.ensure_future(run())
        for _ in range(20):
            await asyncio.sleep(0)  # until it waits
        wake()
        await asyncio.sleep(0)  # what it waited for is done, and it has not gone on yet
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=2)
        assert done
