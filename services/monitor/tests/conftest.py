"""The monitor's handlers over both stores."""

from collections.abc import AsyncIterator

import pytest

from murmur_kernel.testing import STORES, Harness
from murmur_monitor.consumers import SUBSCRIPTIONS
from murmur_monitor.repository import KINDS, MonitorUnitOfWork


@pytest.fixture(params=STORES)
async def monitor(request: pytest.FixtureRequest) -> AsyncIterator[Harness[MonitorUnitOfWork]]:
    harness = Harness(
        MonitorUnitOfWork, kinds=KINDS, subscriptions=SUBSCRIPTIONS, store=request.param, service="monitor"
    )
    async with harness:
        yield harness
