"""The broker is killed while producers have requests in flight: what it acknowledged is there, once and in order."""

import asyncio
from collections.abc import Iterator

import pytest
from chaos_flock import FULL, record_result, tell
from live import LiveFlock
from load import Load, written

from murmur_events.catalog import topic_named
from murmur_kernel.testing import eventually
from murmur_runtime import flock as runtime
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members
from murmur_runtime.settings import FlockSettings

pytestmark = [pytest.mark.flock, pytest.mark.timeout(600)]

KILLS = 5 if FULL else 1


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveFlock]:
    """A broker and its supervisor, nothing else."""
    settings = FlockSettings(home=tmp_path_factory.mktemp("load"), port=free_front_door())
    try:
        asyncio.run(runtime.up(settings, members=Members(services=(), proxy=False)))
        yield LiveFlock(settings)
    finally:
        asyncio.run(runtime.down(settings))


async def test_what_was_acknowledged_is_there_once_and_in_order(broker: LiveFlock) -> None:
    load = Load(broker.settings.brokers)
    async with load.running():
        for _ in range(KILLS):
            before = load.total
            await eventually(lambda seen=before: load.total > seen + 1000, within=60)
            broker.kill("kafka")
            at_kill = load.total
            await eventually(lambda seen=at_kill: load.total > seen + 1000, within=120)
    found = await written(broker.settings.brokers, load.topic, topic_named(load.topic).partitions)
    tell(f"{load.total:,} acknowledged, {KILLS} kills, {len(load.failures)} sends that failed and were repeated")
    for key, numbers in load.acknowledged.items():
        first_occurrences = list(dict.fromkeys(found[key]))
        assert first_occurrences == sorted(first_occurrences), f"{key} is out of order"
        assert set(numbers) <= set(found[key]), f"{key} lost something acknowledged"
        repeated = len(found[key]) - len(first_occurrences)
        assert repeated <= 20 * len(load.failures), f"{key}: {repeated} repeats of {len(load.failures)} failed sends"
    if FULL:
        row = {"acknowledged": load.total, "kills": KILLS, "failed sends": len(load.failures)}
        record_result("broker-under-load", [row])
