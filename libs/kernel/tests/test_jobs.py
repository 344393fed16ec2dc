"""Jobs: attempts, take-over, giving up, and timers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork
from structlog.testing import capture_logs

from murmur_kernel.clock import SystemClock
from murmur_kernel.errors import Conflict, StoreUnavailable, Transient
from murmur_kernel.jobs import Job, JobKind, JobRunner, Jobs
from murmur_kernel.store import ChangeSet, Fence, JobRow, JobState, MemoryStore, Store
from murmur_kernel.testing import STORES, ManualClock, StoreName, eventually, opened_store


def row(clock: ManualClock | SystemClock, job_id: str = "j", *, after: float = 0) -> JobRow:
    due = clock.now() + timedelta(seconds=after)
    return JobRow(id=job_id, kind="work", payload="{}", due=due, correlation_id="c", causation_id="e")


def runner(
    store: Store,
    jobs: Jobs[CounterUnitOfWork],
    clock: ManualClock | SystemClock,
    *,
    owner: str = "w",
    lease: float = 10,
) -> JobRunner[CounterUnitOfWork]:
    return JobRunner("trainer", store, clock, CounterUnitOfWork, jobs, owner=owner, lease=timedelta(seconds=lease))


@pytest.mark.parametrize("store_name", STORES)
async def test_a_timer_waits_for_its_date(store_name: StoreName) -> None:
    clock = ManualClock()
    done: list[str] = []

    async def work(job: Job[CounterUnitOfWork]) -> None:
        done.append(job.id)

    async with opened_store(store_name, [COUNTERS]) as store:
        await store.commit(ChangeSet(jobs=[row(clock, after=60)]))
        assert await runner(store, {"work": work}, clock).run_due() == 0
        clock.advance(60)
        assert await runner(store, {"work": work}, clock).run_due() == 1
        assert done == ["j"]
        assert await store.jobs() == []


@pytest.mark.parametrize("store_name", STORES)
async def test_a_job_that_keeps_failing_is_given_up_and_kept_with_its_error(store_name: StoreName) -> None:
    clock = ManualClock()

    async def work(job: Job[CounterUnitOfWork]) -> None:
        raise RuntimeError(f"attempt {job.attempt}")

    async with opened_store(store_name, [COUNTERS]) as store:
        await store.commit(ChangeSet(jobs=[row(clock)]))
        for _ in range(5):
            await runner(store, {"work": JobKind(work, max_attempts=2)}, clock).run_due()
            clock.advance(60)
        (failed,) = await store.jobs(JobState.FAILED)
        assert failed.error == "attempt 2"


@pytest.mark.parametrize("away", [Transient("S3 is away"), Conflict("counter", "total")])
@pytest.mark.parametrize("store_name", STORES)
async def test_an_outage_uses_no_attempt_up_however_long_it_is(store_name: StoreName, away: Exception) -> None:
    clock = ManualClock()
    failures: list[int] = []

    async def work(job: Job[CounterUnitOfWork]) -> None:
        failures.append(job.failures)
        if job.attempt == 2:
            raise RuntimeError("a bug")
        if job.attempt <= 20:
            raise away

    async with opened_store(store_name, [COUNTERS]) as store:
        await store.commit(ChangeSet(jobs=[row(clock)]))
        worker = runner(store, {"work": JobKind(work, max_attempts=2)}, clock)
        for _ in range(20):
            assert await worker.run_due() == 1
            (waiting,) = await store.jobs()
            assert timedelta(0) < waiting.due - clock.now() <= timedelta(seconds=30)
            clock.advance(30)
        assert await worker.run_due() == 1
        assert await store.jobs() == []
    assert failures == [0, 0, *[1] * 19]


async def test_a_job_that_has_waited_for_days_waits_on() -> None:
    clock = ManualClock()
    store = MemoryStore()

    async def work(job: Job[CounterUnitOfWork]) -> None:
        raise Transient("away")

    await store.commit(ChangeSet(jobs=[replace(row(clock), attempt=5000, returned=5000)]))
    await runner(store, {"work": work}, clock).run_due()
    (waiting,) = await store.jobs()
    assert (waiting.state, waiting.due) == (JobState.QUEUED, clock.now() + timedelta(seconds=30))


class AwayStore(MemoryStore):
    """Does not answer the first times when it is told that an attempt failed."""

    failures = 2

    async def postpone(self, fence: Fence, due: datetime, error: str, *, spent: bool = True) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        await super().postpone(fence, due, error, spent=spent)


async def test_an_outage_of_the_store_itself_uses_no_attempt_up() -> None:
    clock = ManualClock()
    store = AwayStore()

    async def work(job: Job[CounterUnitOfWork]) -> None:
        raise StoreUnavailable("away")

    await store.commit(ChangeSet(jobs=[row(clock)]))
    await runner(store, {"work": work}, clock).run_due()
    (waiting,) = await store.jobs()
    assert (waiting.state, waiting.attempt, waiting.returned) == (JobState.QUEUED, 1, 1)


async def test_what_waits_for_a_job_hears_of_its_end_even_then() -> None:
    clock = ManualClock()
    store = MemoryStore()
    heard: list[str] = []

    async def work(job: Job[CounterUnitOfWork]) -> None:
        raise RuntimeError("broken")

    async def exhausted(job: Job[CounterUnitOfWork], error: str) -> None:
        heard.append(error)

    await store.commit(ChangeSet(jobs=[row(clock)]))
    for _ in range(5):
        await runner(store, {"work": JobKind(work, max_attempts=1, exhausted=exhausted)}, clock).run_due()
        clock.advance(60)
    assert heard == ["broken"]
    assert await store.jobs() == []


async def test_a_dead_workers_job_is_taken_over_and_the_dead_one_records_nothing() -> None:
    clock = SystemClock()
    store = MemoryStore()
    attempts: list[int] = []
    first_began = asyncio.Event()
    release_first = asyncio.Event()

    async def work(job: Job[CounterUnitOfWork]) -> None:
        attempts.append(job.attempt)
        if job.attempt == 1:
            first_began.set()
            await release_first.wait()
        async with job.unit_of_work(completes=True) as uow:
            uow.counters.save(Counter("result", job.attempt))

    await store.commit(ChangeSet(jobs=[row(clock)]))
    first = asyncio.create_task(runner(store, {"work": work}, clock, owner="a", lease=60).run_due())
    await first_began.wait()
    await store.disown("a")
    await runner(store, {"work": work}, clock, owner="b").run_due()
    release_first.set()
    await first
    found = await store.get("counter", "result")
    assert found is not None
    assert COUNTERS.load(found.body).value == 2
    assert attempts == [1, 2]


async def test_a_lost_lease_ends_the_work() -> None:
    clock = SystemClock()
    store = MemoryStore()
    began, ended = asyncio.Event(), asyncio.Event()

    async def work(job: Job[CounterUnitOfWork]) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await store.commit(ChangeSet(jobs=[row(clock)]))
    task = asyncio.create_task(runner(store, {"work": work}, clock, lease=0.1).run_due())
    await began.wait()
    await store.commit(ChangeSet(cancelled=["j"]))
    async with asyncio.timeout(5):
        await ended.wait()
        await task


async def test_work_that_is_told_to_stop_is_not_told_of_as_lost() -> None:
    clock = SystemClock()
    store = MemoryStore()
    began = asyncio.Event()

    async def work(job: Job[CounterUnitOfWork]) -> None:
        began.set()
        await asyncio.Event().wait()

    await store.commit(ChangeSet(jobs=[row(clock)]))
    task = asyncio.create_task(runner(store, {"work": work}, clock).run_due())
    await began.wait()
    task.cancel()
    with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        await task
    assert logs == []


async def test_the_runner_keeps_to_its_slots_and_heeds_new_work_at_once() -> None:
    clock = SystemClock()
    store = MemoryStore()
    running: set[str] = set()
    gate = asyncio.Event()

    async def work(job: Job[CounterUnitOfWork]) -> None:
        running.add(job.id)
        await gate.wait()
        running.discard(job.id)

    worker = runner(store, {"work": JobKind(work, slots=2)}, clock)
    task = asyncio.create_task(worker.run())
    await store.commit(ChangeSet(jobs=[row(clock, f"j{n}") for n in range(3)]))
    worker.wake()
    await eventually(lambda: len(running) == 2)
    gate.set()

    async def all_done() -> bool:
        return await store.jobs() == []

    await eventually(all_done)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("store_name", STORES)
async def test_a_worker_that_is_told_to_stop_uses_no_attempt_up(store_name: StoreName) -> None:
    """Ten restarts in good order, and the work is still done; each attempt has a number of its own, for its fence."""
    clock = SystemClock()
    begun: list[int] = []
    started = asyncio.Event()

    async def work(job: Job[CounterUnitOfWork]) -> None:
        begun.append(job.attempt)
        started.set()
        if len(begun) <= 10:
            await asyncio.Event().wait()

    async with opened_store(store_name, [COUNTERS]) as store:
        await store.commit(ChangeSet(jobs=[row(clock)]))
        for _ in range(11):
            started.clear()
            task = asyncio.create_task(runner(store, {"work": JobKind(work, max_attempts=2)}, clock).run())
            await started.wait()
            if len(begun) > 10:
                await eventually(_none_left(store))
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert begun == list(range(1, 12))
        assert await store.jobs() == []


def _none_left(store: Store) -> Callable[[], Awaitable[bool]]:
    async def none_left() -> bool:
        return not await store.jobs()

    return none_left
