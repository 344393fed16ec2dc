"""Whether a service lives, whether it is ready, and the numbers behind that."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from pydantic import BaseModel

from murmur_kernel.errors import Transient
from murmur_kernel.store import JobState, Store
from murmur_kernel.tasks import WatchedTasks
from murmur_kernel.telemetry import metrics

Check = Callable[[], Awaitable[tuple[bool, str]]]


class ConsumerState(Protocol):
    connected: bool

    async def lag(self) -> int: ...


class CheckResult(BaseModel):
    ok: bool
    detail: str


class Readiness(BaseModel):
    """The body of /readyz."""

    service: str
    ready: bool
    checks: dict[str, CheckResult]
    lag: int
    outbox: int
    outbox_age_s: float
    parked: int
    dead_letters: int
    jobs: dict[str, int]


class Health:
    """Looks at the tasks, the store and the broker."""

    def __init__(self, service: str, store: Store, tasks: WatchedTasks) -> None:
        self._service = service
        self._store = store
        self._tasks = tasks
        self.consumer: ConsumerState | None = None
        self.checks: dict[str, Check] = {}
        self._broker = CheckResult(ok=False, detail="not reached yet")

    @property
    def alive(self) -> CheckResult:
        """False once any task has died."""
        dead = "; ".join(f"{name}: {why}" for name, why in self._tasks.failed.items())
        return CheckResult(ok=not dead, detail=dead or "all tasks run")

    def watch_broker(self, brokers: str) -> Callable[[], Awaitable[None]]:
        """A task that keeps asking whether the broker takes connections."""

        async def watch() -> None:
            while True:
                self._broker = await _reachable(brokers)
                await asyncio.sleep(0.5)

        return watch

    async def readiness(self) -> Readiness:
        checks = {"tasks": self.alive, "broker": self._broker}
        if self._broker.ok and self.consumer is not None and not self.consumer.connected:
            checks["broker"] = CheckResult(ok=False, detail="the consumer has lost its connection")
        depth, oldest = 0, None
        parked = letters = overdue = 0
        states: dict[str, int] = {}
        try:
            depth, oldest = await self._store.outbox_depth()
            parked = await self._store.count_parked()
            overdue = await self._store.count_parked(expired_at=datetime.now(UTC))
            letters = sum((await self._store.letter_counts()).values())
            for job in await self._store.jobs():
                states[job.state] = states.get(job.state, 0) + 1
            checks["store"] = CheckResult(ok=True, detail="answers")
        except Transient as error:
            checks["store"] = CheckResult(ok=False, detail=str(error))
        for name, check in self.checks.items():
            ok, detail = await check()
            checks[name] = CheckResult(ok=ok, detail=detail)
        age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
        report = Readiness(
            service=self._service,
            ready=all(check.ok for check in checks.values()),
            checks=checks,
            lag=await self.consumer.lag() if self.consumer and self.consumer.connected else 0,
            outbox=depth,
            outbox_age_s=age,
            parked=parked,
            dead_letters=letters,
            jobs=states,
        )
        _export(report, overdue)
        return report


def _export(report: Readiness, overdue: int) -> None:
    metrics.lag.set(report.lag)
    metrics.outbox.set(report.outbox)
    metrics.outbox_age.set(report.outbox_age_s)
    metrics.parked.set(report.parked)
    metrics.parked_overdue.set(overdue)
    metrics.dead_letters.set(report.dead_letters)
    for state in JobState:
        metrics.jobs.labels(state).set(report.jobs.get(state, 0))


async def _reachable(brokers: str) -> CheckResult:
    """One broker of several is enough: the others' partitions are led by those that are left."""
    reasons = []
    for broker in brokers.split(","):
        host, _, port = broker.rpartition(":")
        try:
            async with asyncio.timeout(2):
                _, writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError) as error:
            reasons.append(f"{broker} does not answer: {error or type(error).__name__}")
            continue
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return CheckResult(ok=True, detail=brokers)
    return CheckResult(ok=False, detail="; ".join(reasons))
