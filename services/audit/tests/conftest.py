"""An audit service, its broker and its ledger."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from audit_running import RunningAudit, Starting, lives_of

from murmur_kernel.bus.memory import MemoryBroker


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def start(tmp_path: Path, broker: MemoryBroker) -> Starting:
    return lives_of(tmp_path, broker)


@pytest.fixture
async def running(start: Starting) -> AsyncIterator[RunningAudit]:
    async with start() as running:
        yield running
