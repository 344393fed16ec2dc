"""The monitor with its REST door, a broker in memory behind it: credit serves, and one window of it has closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
from monitor_facts import START, model_deployed, workflow_applied

from murmur_events import Event, Record
from murmur_kernel.bus.memory import MemoryBroker, MemoryReader, MemorySink, MemorySource
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import Harness, eventually
from murmur_monitor import joining
from murmur_monitor.app import build
from murmur_monitor.domain.measured import NotCompared, Statistics
from murmur_monitor.domain.windows import Window, as_millis
from murmur_monitor.findings import WindowClosed, record_window
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_monitor.settings import Settings

WINDOW = Window(as_millis(START), as_millis(START + timedelta(minutes=5)))


async def say(broker: MemoryBroker, event: Event) -> None:
    raw = Harness(MonitorUnitOfWork, kinds=()).record_of(event)
    await MemorySink(broker).send([Record(raw.topic, raw.key.encode(), raw.value, raw.headers)])


@asynccontextmanager
async def watched_credit(home: Path, broker: MemoryBroker) -> AsyncIterator[httpx.AsyncClient]:
    """Predictions are joined, and looked up, in the broker."""
    service, app = build(
        Settings(home=home, brokers="127.0.0.1:1", quality_seconds=0.02),
        store=MemoryStore(),
        sink=MemorySink(broker),
        source=MemorySource(broker, "monitor", ("workflow.applied", "model.deployed"), wait=0.01),
        labels=lambda: MemorySource(broker, "labels", joining.TOPICS, wait=0.01),
        reader=MemoryReader(broker),
    )
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://monitor") as client:
        await say(broker, workflow_applied(label_delay=timedelta(days=10_000)))
        await say(broker, model_deployed())

        async def watched() -> bool:
            return bool((await client.get("/v1/deployments")).json()["items"])

        await eventually(watched)
        numbers = Statistics(20, 0, 0.1, 2.0, 9.0, 0.25)
        finding = WindowClosed("credit", "credit", 1, WINDOW, numbers, NotCompared("only its labels matter"))
        await service.change(record_window, finding, answer=int)
        yield client
