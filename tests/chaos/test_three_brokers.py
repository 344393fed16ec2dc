"""Three brokers, one killed and brought back under load: no publish fails, nothing acknowledged is lost or doubled."""

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from murmur_events import Record
from murmur_events.catalog import CATALOG
from murmur_kernel.bus.kafka import KafkaSink
from murmur_kernel.errors import Transient
from murmur_kernel.testing import eventually
from murmur_runtime import flock, living
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members
from murmur_runtime.settings import FlockSettings, Profile

pytestmark = [pytest.mark.flock, pytest.mark.timeout(300)]

TOPIC = next(topic for topic in CATALOG if topic.name == "run.logged")
KEYS = 8


@dataclass
class Cluster:
    settings: FlockSettings

    def pid(self, node: int) -> int:
        process = living.find(Home(self.settings.home), f"kafka-{node}")
        assert process is not None
        return process.pid

    def kill(self, node: int) -> None:
        os.kill(self.pid(node), signal.SIGKILL)

    async def leaders(self) -> dict[int, int]:
        return {part["partition"]: part["leader"] for part in await self._partitions()}

    async def whole(self) -> bool:
        """Whether every partition is on three brokers that keep up."""
        found = flock.status(self.settings)
        if found is None or not found.ready:
            return False
        return all(len(part["isr"]) == 3 for part in await self._partitions())

    def controller(self) -> int:
        """The node that leads the controllers: the one that said so last."""
        said = {}
        for node in self.settings.nodes:
            lines = Home(self.settings.home).log(f"kafka-{node}").read_text().splitlines()
            said[node] = max((line[:24] for line in lines if "Performing controller activation" in line), default="")
        return max(said, key=lambda node: said[node])

    async def _partitions(self) -> list[dict[str, object]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.brokers)
        await admin.start()
        try:
            [described] = await admin.describe_topics([TOPIC.name])
        finally:
            await admin.close()
        parts: list[dict[str, object]] = described["partitions"]
        return parts


@dataclass
class Load:
    """Writers that publish as the outbox relay does: the next batch once the last one is acknowledged."""

    brokers: str
    acknowledged: defaultdict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        writers = [asyncio.create_task(self._write(b"run-%d" % number)) for number in range(KEYS)]
        try:
            yield self
        finally:
            self._done = True
            await asyncio.gather(*writers)

    _done = False

    async def _write(self, key: bytes) -> None:
        sink = KafkaSink(self.brokers, f"load-{key.decode()}")
        try:
            for first in count(0, 5):
                if self._done:
                    return
                numbers = range(first, first + 5)
                await self._until_acknowledged(sink, [Record(TOPIC.name, key, b"%d" % n, ()) for n in numbers])
                self.acknowledged[key] += numbers
                await asyncio.sleep(0.01)
        finally:
            await sink.stop()

    async def _until_acknowledged(self, sink: KafkaSink, records: list[Record]) -> None:
        while True:
            try:
                return await sink.send(records)
            except Transient as error:
                self.failures.append(str(error))

    @property
    def total(self) -> int:
        return sum(map(len, self.acknowledged.values()))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    settings = FlockSettings(
        home=tmp_path_factory.mktemp("cluster"),
        port=free_front_door(span=60),
        profile=Profile.SERVERS,
        replicas=1,
        broker_memory="256m",
    )
    asyncio.run(flock.up(settings, members=Members(services=(), proxy=False)))
    try:
        yield Cluster(settings)
    finally:
        asyncio.run(flock.down(settings))


async def test_every_topic_is_on_three_brokers_and_two_must_have_a_record(cluster: Cluster) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.settings.brokers)
    await admin.start()
    try:
        described = await admin.describe_topics([topic.name for topic in CATALOG])
    finally:
        await admin.close()

    assert {len(part["replicas"]) for topic in described for part in topic["partitions"]} == {3}


async def test_a_broker_killed_under_load_fails_no_publish_and_loses_nothing(cluster: Cluster) -> None:
    await eventually(cluster.whole, within=60)
    async with Load(cluster.settings.brokers).running() as load:
        for victim in ("a leader", "the controller"):
            before = load.total
            await eventually(lambda seen=before: load.total > seen + 200, within=60)
            leaders = await cluster.leaders()
            node = cluster.controller() if victim == "the controller" else leaders[0]
            at_kill = load.total
            cluster.kill(node)
            await eventually(lambda seen=at_kill: load.total > seen + 400, within=60)
            await eventually(cluster.whole, within=120)
        final = load
    assert final.failures == []
    assert await written(cluster.settings.brokers) == final.acknowledged


async def written(brokers: str) -> dict[bytes, list[int]]:
    """Every record of the topic, by key, in the order of the log."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, auto_offset_reset="earliest", enable_auto_commit=False)
    found: defaultdict[bytes, list[int]] = defaultdict(list)
    async with consumer:
        places = [TopicPartition(TOPIC.name, number) for number in range(TOPIC.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        left = {place for place in places if ends[place] > 0}
        while left:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                for record in batch:
                    found[record.key].append(int(record.value))
            left = {place for place in left if await consumer.position(place) < ends[place]}
    return found
