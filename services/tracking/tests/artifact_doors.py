"""A tracking service to upload to and download from, over any store of artifacts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.service import Service
from murmur_kernel.store import MemoryStore
from murmur_tracking.app import build
from murmur_tracking.search import INDEX
from murmur_tracking.settings import Settings

ROOT = "/api/2.0/mlflow-artifacts/artifacts"


def app_of(home: Path, *, broker: MemoryBroker | None = None, **settings: Any) -> tuple[Service[Any], FastAPI]:
    told = broker or MemoryBroker()
    return build(
        Settings(home=home, brokers="127.0.0.1:1", **settings),
        store=MemoryStore(INDEX.memory()),
        sink=MemorySink(told),
        source=MemorySource(told, "tracking", ("run.started",), wait=0.01),
    )


@asynccontextmanager
async def door(home: Path, *, broker: MemoryBroker | None = None, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    service, app = app_of(home, broker=broker, **settings)
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://tracking") as client:
        yield client
