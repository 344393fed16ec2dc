"""Long work and timers: leased with a heartbeat, taken over when a worker dies, recorded by one attempt only."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar

import structlog

from murmur_kernel.backoff import Backoff
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Conflict, LeaseLost, Transient
from murmur_kernel.store import Fence, JobRow, Store
from murmur_kernel.telemetry import metrics
from murmur_kernel.telemetry.tracing import OFF, Tracing, current_traceparent, failed
from murmur_kernel.unit_of_work import Chain, Origin, UnitOfWork

U = TypeVar("U", bound=UnitOfWork)

log = structlog.get_logger()

_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 30.0
"""Between two attempts: doubling from the one to the other."""


class Job(Generic[U]):
    """One attempt at a piece of work.

    Each unit of work is fenced: it commits only while this attempt is the current one, and raises LeaseLost otherwise.
    """

    def __init__(
        self,
        row: JobRow,
        *,
        service: str,
        store: Store,
        clock: Clock,
        unit_of_work: Callable[[Store, Origin], U],
        tracing: Tracing = OFF,
    ) -> None:
        self.id = row.id
        self.kind = row.kind
        self.attempt = row.attempt
        self.failures = row.attempt - row.returned - 1
        """How many earlier attempts failed or died; those that were given back unspent do not count."""
        self.payload: dict[str, Any] = json.loads(row.payload)
        self.completed = False
        self.lost = False
        """Another attempt has taken over, and this one is being ended."""
        self._row = row
        self._service = service
        self._store = store
        self._clock = clock
        self._unit_of_work = unit_of_work
        self._tracing = tracing
        self._units = 0

    @asynccontextmanager
    async def unit_of_work(self, *, completes: bool = False) -> AsyncIterator[U]:
        """Commits on leaving without an error; with `completes` the job ends in the same transaction."""
        self._units += 1
        unit = self._unit_of_work(
            self._store,
            Origin(
                id=f"{self.id}#{self.attempt}#{self._units}",
                source=self._service,
                now=self._clock.now(),
                chain=Chain(self._row.correlation_id, self._row.causation_id, current_traceparent()),
                fence=Fence(self.id, self.attempt, completes),
                tracing=self._tracing,
            ),
        )
        yield unit
        await unit.commit()
        self.completed = self.completed or completes

    def step(self, name: str, **attributes: str | int | float) -> AbstractContextManager[object]:
        """A part of the work that is seen by itself in the trace."""
        return self._tracing.step(name, **attributes)


JobFunction = Callable[[Job[U]], Awaitable[None]]


@dataclass(frozen=True)
class JobKind(Generic[U]):
    """How jobs of one kind are done.

    slots:     how many at once in this process
    exhausted: called instead of `run` once `max_attempts` have failed or died, with the last error, so that a fact can
               end what waits for the job; without it the job is kept as failed. A worker that was told to stop has
               not failed, nor has one that met Transient or Conflict, which is tried again for as long as it takes:
               its attempt is given back, though its number is used up
    """

    run: JobFunction[U]
    slots: int = 4
    max_attempts: int = 3
    exhausted: Callable[[Job[U], str], Awaitable[None]] | None = None


Jobs = Mapping[str, JobKind[U] | JobFunction[U]]


class JobRunner(Generic[U]):
    """Claims due jobs while it has slots, keeps their leases, and records how each attempt ended."""

    def __init__(
        self,
        service: str,
        store: Store,
        clock: Clock,
        unit_of_work: Callable[[Store, Origin], U],
        jobs: Jobs[U],
        *,
        owner: str,
        lease: timedelta = timedelta(seconds=10),
        tracing: Tracing = OFF,
    ) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._unit_of_work = unit_of_work
        self._kinds = {name: kind if isinstance(kind, JobKind) else JobKind(kind) for name, kind in jobs.items()}
        self._owner = owner
        self._lease = lease
        self._tracing = tracing
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], str] = {}

    def wake(self) -> None:
        """A job was enqueued."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled; what is under way is then cancelled too, and may be claimed again at once."""
        backoff = Backoff()
        await self._store.disown(self._owner)
        try:
            while True:
                self._wake.clear()
                try:
                    while await self._begin_next():
                        pass
                    backoff.reset()
                except Transient as error:
                    log.warning("jobs wait", error=str(error))
                    await asyncio.sleep(backoff.next())
                try:
                    async with asyncio.timeout(0.5):
                        await self._wake.wait()
                except TimeoutError:
                    continue  # timers fall due and leases expire without anybody's call
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await self._store.disown(self._owner, on_purpose=True)

    async def run_due(self) -> int:
        """Everything that is due now, one after the other; how many. For tests."""
        count = 0
        while (row := await self._claim(tuple(self._kinds))) is not None:
            await self._attempt(row)
            count += 1
        return count

    async def _begin_next(self) -> bool:
        busy = list(self._running.values())
        free = tuple(name for name, kind in self._kinds.items() if busy.count(name) < kind.slots)
        row = await self._claim(free) if free else None
        if row is None:
            return False
        task = asyncio.create_task(self._attempt(row), name=f"job {row.id}")
        self._running[task] = row.kind
        task.add_done_callback(self._ended)
        return True

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("job not recorded: its lease will expire and it will be tried again", error=repr(error))
        self.wake()

    async def _claim(self, kinds: tuple[str, ...]) -> JobRow | None:
        now = self._clock.now()
        return await self._store.claim(kinds, self._owner, now, now + self._lease)

    async def _attempt(self, row: JobRow) -> None:
        job = self._job(row)
        with (
            structlog.contextvars.bound_contextvars(
                job=row.id, kind=row.kind, attempt=row.attempt, correlation_id=row.correlation_id
            ),
            metrics.job_seconds.labels(row.kind).time(),
            self._tracing.working(
                f"job {row.kind}",
                row.traceparent,
                row.correlation_id,
                job_id=row.id,
                attempt=row.attempt,
            ) as span,
        ):
            work = asyncio.ensure_future(self._do(job, row))
            heart = asyncio.create_task(self._beat(job, work))
            try:
                await work
                if not job.completed:
                    async with job.unit_of_work(completes=True):
                        pass
            except LeaseLost as error:
                failed(span, error)
                log.warning("job lost", error=str(error))
            except asyncio.CancelledError:
                if not job.lost:
                    raise
                failed(span, "its lease expired")
                log.warning("job lost", error="its lease expired")
            except Exception as error:  # noqa: BLE001  # whatever the work raised is recorded with the job
                failed(span, error)
                await self._failed(row, error)
            finally:
                heart.cancel()

    async def _do(self, job: Job[U], row: JobRow) -> None:
        kind = self._kinds[row.kind]
        if job.failures < kind.max_attempts:
            await kind.run(job)
        elif kind.exhausted is not None:
            await kind.exhausted(job, row.error or "its worker died")
        else:
            await self._store.give_up(Fence(row.id, row.attempt), row.error or "its worker died")
            job.completed = True

    async def _failed(self, row: JobRow, error: Exception) -> None:
        """What the infrastructure did spends no attempt. Should the store be away, it is told when it is back."""
        spent = not isinstance(error, Transient | Conflict)
        log.log(40 if spent else 30, "job failed", error=repr(error), exc_info=error if spent else None)
        due = self._clock.now() + timedelta(seconds=_delay(row.attempt))
        backoff = Backoff()
        while True:
            try:
                await self._store.postpone(Fence(row.id, row.attempt), due, str(error) or repr(error), spent=spent)
                return
            except Transient as away:
                log.warning("job not recorded yet", error=str(away))
                await asyncio.sleep(backoff.next())

    def _job(self, row: JobRow) -> Job[U]:
        return Job(
            replace(row),
            service=self._service,
            store=self._store,
            clock=self._clock,
            unit_of_work=self._unit_of_work,
            tracing=self._tracing,
        )

    async def _beat(self, job: Job[U], work: asyncio.Future[None]) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                if not await self._store.extend(Fence(job.id, job.attempt), self._clock.now() + self._lease):
                    job.lost = True
                    work.cancel()
                    return
            except Transient as error:
                log.warning("lease not extended", error=str(error))


def _delay(attempt: int) -> float:
    """Seconds before the attempt that follows this one."""
    doublings = min(attempt - 1, 10)  # a job that waited for days has more attempts than a float has room for
    return min(_FIRST_SECONDS * 2.0**doublings, _LONGEST_SECONDS)
