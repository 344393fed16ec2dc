"""One flock for all tests that need a whole one."""

import asyncio
from collections.abc import Iterator

import pytest
from live import LiveFlock

from murmur_runtime import flock as runtime
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings


@pytest.fixture(scope="session")
def flock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveFlock]:
    """Everything that `murmur up` starts, on ports and in a directory of its own."""
    settings = FlockSettings(home=tmp_path_factory.mktemp("flock"), port=free_front_door())
    asyncio.run(runtime.up(settings))
    try:
        yield LiveFlock(settings)
    finally:
        asyncio.run(runtime.down(settings))
