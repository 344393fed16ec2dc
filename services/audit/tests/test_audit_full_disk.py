"""A disk that refuses the ledger, its index or a checkpoint is a reason not to be ready, and no end."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from audit_records import events, started
from audit_running import RunningAudit, Starting

from murmur_kernel.bus.memory import MemorySink
from murmur_kernel.testing import eventually
from murmur_ledger.verify import verify


@pytest.fixture
async def stays_alive() -> AsyncIterator[None]:
    """A service one of whose tasks has died ends its process, which is this one here: it must not come to that."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    yield
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
    assert not ended.is_set()


async def not_ready(running: RunningAudit, why: str) -> None:
    async def told() -> bool:
        ok, detail = await running.audit.intake.check()
        return not ok and why in detail

    await eventually(told, within=20)
    assert running.audit.service.health.alive.ok


async def ready_again(running: RunningAudit) -> None:
    async def told() -> bool:
        return (await running.audit.intake.check())[0]

    await eventually(told, within=20)


@pytest.mark.usefixtures("stays_alive")
async def test_a_checkpoint_that_the_disk_refuses_is_a_reason_not_to_be_ready_and_no_end(
    running: RunningAudit, ledger: Path
) -> None:
    await running.say(started("r-1", number=1))
    await running.client.post("/checkpoints")
    file = ledger / "checkpoints.jsonl"
    file.rename(ledger / "kept")
    file.symlink_to(ledger / "nowhere" / "at-all")
    running.clock.advance(61)
    await running.say(started("r-1", number=2))
    await not_ready(running, "no checkpoint")
    assert (await running.client.post("/checkpoints")).status_code == 507
    file.unlink()
    (ledger / "kept").rename(file)
    await ready_again(running)
    await running.say(started("r-1", number=3))
    assert verify(ledger).ok


@pytest.mark.usefixtures("stays_alive")
async def test_an_index_that_the_disk_refuses_is_a_reason_not_to_be_ready_and_catches_up(
    running: RunningAudit, ledger: Path
) -> None:
    """Somebody else's lock stands for the disk: it is refused in the same way."""
    await running.say(started("r-1", number=1))
    with closing(sqlite3.connect(ledger / "index.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await MemorySink(running.broker).send([started("r-2", number=2)])
        await not_ready(running, "database is locked")
        other.execute("ROLLBACK")
    await ready_again(running)
    found = (await running.client.get("/entries", params={"topic": "run.started"})).json()["items"]
    assert [item["key"] for item in found] == ["r-2", "r-1"]
    assert len(events(ledger)) == 2


@pytest.mark.usefixtures("stays_alive")
async def test_a_ledger_that_cannot_be_opened_yet_is_a_reason_not_to_be_ready(start: Starting, ledger: Path) -> None:
    ledger.write_bytes(b"in the way")
    async with start() as running:
        await not_ready(running, "the disk refuses the ledger")
        ledger.unlink()
        await running.say(started("r-1"))
    assert len(events(ledger)) == 1
