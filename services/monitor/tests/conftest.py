"""The monitor's handlers over both stores."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from label_desk import Desk, MakeDesk
from monitor_facts import model_deployed, workflow_applied

from murmur_kernel.testing import STORES, Harness
from murmur_monitor.consumers import subscriptions
from murmur_monitor.handlers import Workflows
from murmur_monitor.repository import KINDS, MonitorUnitOfWork


@pytest.fixture(params=STORES)
async def monitor(request: pytest.FixtureRequest) -> AsyncIterator[Harness[MonitorUnitOfWork]]:
    harness = Harness(
        MonitorUnitOfWork,
        kinds=KINDS,
        subscriptions=subscriptions(Workflows(clock_skew=timedelta(seconds=60))),
        store=request.param,
        service="monitor",
    )
    async with harness:
        yield harness


@pytest.fixture
async def desk_with(monitor: Harness[MonitorUnitOfWork], tmp_path: Path) -> AsyncIterator[MakeDesk]:
    """Version 1 of credit serves and is watched."""
    await monitor.receives(workflow_applied())
    await monitor.receives(model_deployed())
    made: list[Desk] = []

    def make(**bounds: int) -> Desk:
        made.append(Desk(monitor, tmp_path, **bounds))
        return made[-1]

    yield make
    for desk in made:
        await desk.book.close()


@pytest.fixture
def desk(desk_with: MakeDesk) -> Desk:
    return desk_with()
