"""One flock for all tests that need a whole one."""

import asyncio
from collections.abc import Iterator

import pytest
from collector import Collector
from live import LiveFlock

from murmur_runtime import flock as runtime
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Takes the traces of the flock."""
    with Collector().running() as collector:
        yield collector


@pytest.fixture(scope="session")
def flock(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[LiveFlock]:
    """Everything that `murmur up` starts, on ports and in a directory of its own, with its traces exported."""
    settings = FlockSettings(home=tmp_path_factory.mktemp("flock"), port=free_front_door())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MURMUR_OTLP_ENDPOINT", collector.endpoint)
        asyncio.run(runtime.up(settings))
    try:
        yield LiveFlock(settings)
    finally:
        asyncio.run(runtime.down(settings))
