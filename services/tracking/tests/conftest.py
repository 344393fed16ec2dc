"""A tracking service to speak to, over the fake store and the real ones."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from client_calls import Client, Running

from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import open_store
from murmur_kernel.testing import STORES, Harness, StoreName
from murmur_tracking.app import build
from murmur_tracking.consumers import SUBSCRIPTIONS
from murmur_tracking.repository import KINDS, TrackingUnitOfWork
from murmur_tracking.search import INDEX
from murmur_tracking.settings import Settings


@pytest.fixture(params=STORES)
async def tracking(request: pytest.FixtureRequest) -> AsyncIterator[Harness[TrackingUnitOfWork]]:
    store: StoreName = request.param
    async with Harness(
        TrackingUnitOfWork, kinds=KINDS, subscriptions=SUBSCRIPTIONS, store=store, service="tracking", index=INDEX
    ) as harness:
        yield harness


@pytest.fixture
async def running(any_store: StoreName, tmp_path: Path) -> AsyncIterator[Running]:
    """On every kind of store in turn."""
    broker = MemoryBroker()
    topics = tuple(subscription.topic for subscription in SUBSCRIPTIONS)
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/tracking.db"}
    service, app = build(
        Settings(home=tmp_path, brokers="127.0.0.1:1", hearsay_seconds=0.02),
        store=open_store(urls.get(any_store, any_store), f"test_{uuid.uuid4().hex}", INDEX),
        sink=MemorySink(broker),
        source=MemorySource(broker, "tracking", topics, wait=0.01),
    )
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://tracking") as http:
        yield Running(service, app, broker, Client(http), http)
