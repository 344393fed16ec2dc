"""A registry to speak to, over the fake store and the real one."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from registry_doors import Doors, doors

from murmur_kernel.testing import STORES, Harness, StoreName
from murmur_registry.app import JOBS
from murmur_registry.consumers import subscriptions
from murmur_registry.handlers import Handlers
from murmur_registry.pointing import Pointing
from murmur_registry.repository import KINDS, RegistryUnitOfWork
from murmur_registry.reviews import Reviews

VERDICT_DUE = timedelta(minutes=15)


@pytest.fixture
def handlers() -> Handlers:
    return Handlers(verdict_due=VERDICT_DUE)


@pytest.fixture(params=STORES)
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Doors]:
    """Nobody is asked for a token."""
    async with doors(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
async def guarded_door(tmp_path: Path) -> AsyncIterator[Doors]:
    """Everybody is asked for a token; the door has one for each role."""
    async with doors("memory", tmp_path, auth=True) as opened:
        yield opened


@pytest.fixture
def pointing(handlers: Handlers, reviews: Reviews) -> Pointing:
    return Pointing(handlers, reviews)


@pytest.fixture
def reviews(handlers: Handlers) -> Reviews:
    return Reviews(handlers)


@pytest.fixture(params=STORES)
async def registry(request: pytest.FixtureRequest, handlers: Handlers) -> AsyncIterator[Harness[RegistryUnitOfWork]]:
    store: StoreName = request.param
    async with Harness(
        RegistryUnitOfWork, kinds=KINDS, subscriptions=subscriptions(handlers), jobs=JOBS, store=store
    ) as harness:
        yield harness
