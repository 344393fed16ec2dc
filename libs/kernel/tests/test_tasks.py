"""Watched tasks: a death is seen, an absent broker is not a death."""

import asyncio

from murmur_kernel.errors import Transient
from murmur_kernel.tasks import WatchedTasks
from murmur_kernel.testing import eventually


async def test_a_task_that_dies_is_reported_by_name_and_reason() -> None:
    failures: list[str] = []
    tasks = WatchedTasks(failures.append)

    async def dies() -> None:
        raise RuntimeError("broken")

    tasks.start("relay", dies)
    await eventually(lambda: failures == ["relay"])
    assert tasks.failed == {"relay": "RuntimeError('broken')"}


async def test_a_task_that_returns_is_a_death_too() -> None:
    failures: list[str] = []
    tasks = WatchedTasks(failures.append)

    async def returns() -> None: ...

    tasks.start("consumer", returns)
    await eventually(lambda: failures == ["consumer"])


async def test_a_task_that_is_cancelled_from_within_is_a_death_too() -> None:
    failures: list[str] = []
    tasks = WatchedTasks(failures.append)

    async def cancelled() -> None:
        raise asyncio.CancelledError

    tasks.start("consumer", cancelled)
    await eventually(lambda: failures == ["consumer"])


async def test_a_task_whose_broker_is_away_begins_again() -> None:
    failures: list[str] = []
    tasks = WatchedTasks(failures.append)
    tries: list[int] = []

    async def run() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise Transient("away")
        await asyncio.Event().wait()

    tasks.start("consumer", run)
    await eventually(lambda: len(tries) == 2)
    await tasks.stop()
    assert failures == []
