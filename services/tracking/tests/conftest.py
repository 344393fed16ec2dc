"""A tracking service to speak to, over the fake store and the real one."""

from collections.abc import AsyncIterator

import pytest

from murmur_kernel.testing import STORES, Harness, StoreName
from murmur_tracking.consumers import SUBSCRIPTIONS
from murmur_tracking.repository import KINDS, TrackingUnitOfWork
from murmur_tracking.search import INDEX


@pytest.fixture(params=STORES)
async def tracking(request: pytest.FixtureRequest) -> AsyncIterator[Harness[TrackingUnitOfWork]]:
    store: StoreName = request.param
    async with Harness(
        TrackingUnitOfWork, kinds=KINDS, subscriptions=SUBSCRIPTIONS, store=store, service="tracking", index=INDEX
    ) as harness:
        yield harness
