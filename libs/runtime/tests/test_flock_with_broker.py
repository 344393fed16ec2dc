"""The real broker and the real front door, supervised: one flock for all tests of this module."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from murmur_events.catalog import CATALOG
from murmur_runtime import flock, living
from murmur_runtime.home import Home, write_atomically
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members, ProcessSpec
from murmur_runtime.settings import FlockSettings
from murmur_runtime.state import FlockState, Phase, read_state
from murmur_runtime.testing import eventually
from murmur_runtime.topics import create_topics

pytestmark = pytest.mark.flock


@dataclass(frozen=True)
class Real:
    settings: FlockSettings
    members: Members

    @property
    def home(self) -> Home:
        return Home(self.settings.home)

    async def up(self) -> flock.Raised:
        return await flock.up(self.settings, members=self.members)

    def state(self) -> FlockState:
        state = read_state(self.home)
        assert state is not None
        return state

    def pid(self, name: str) -> int:
        pid = next(process.pid for process in self.state().processes if process.name == name)
        assert pid is not None
        return pid


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., ProcessSpec]) -> Iterator[Real]:
    settings = FlockSettings(home=tmp_path_factory.mktemp("real"), port=free_front_door(), broker_memory="256m")
    members = Members(services=(tiny(settings, "echo", offset=10), tiny(settings, "console", offset=16)))
    asyncio.run(flock.up(settings, members=members))
    yield Real(settings, members)
    asyncio.run(flock.down(settings))


async def test_the_topics_of_the_catalog_are_there_with_their_partitions_and_retention(real: Real) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=real.settings.brokers)
    await admin.start()
    try:
        described = await admin.describe_topics([topic.name for topic in CATALOG])
        kept = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "workflow.applied")])
    finally:
        await admin.close()

    partitions = {topic["topic"]: len(topic["partitions"]) for topic in described}
    assert partitions == {topic.name: topic.partitions for topic in CATALOG}
    values = {name: value for response in kept for name, value, *_ in response.resources[0][4]}
    assert values["retention.ms"] == "-1"


async def test_creating_the_topics_again_creates_none(real: Real) -> None:
    assert await create_topics(real.settings.brokers) == []


async def test_the_front_door_strips_the_name_of_the_service_and_leaves_the_rest_to_the_console(real: Real) -> None:
    async with httpx.AsyncClient(base_url=real.settings.front_door) as client:
        echo = (await client.get("/echo/v1/things?limit=3")).json()
        console = (await client.get("/workflows/credit")).json()

    assert echo == {"path": "/v1/things?limit=3", "name": "echo"}
    assert console == {"path": "/workflows/credit", "name": "console"}


async def test_routes_change_live_by_rename_and_a_bad_file_changes_nothing(real: Real) -> None:
    live = real.home.envoy / "routes.json"
    base = json.loads((real.home.envoy / "routes.base.json").read_text())
    more: dict[str, Any] = json.loads(json.dumps(base)) | {"version_info": "2"}
    more["resources"][0]["virtual_hosts"][0]["routes"].insert(
        0, {"match": {"prefix": "/v2/models/credit/"}, "direct_response": {"status": 418}}
    )
    async with httpx.AsyncClient(base_url=real.settings.front_door) as client:

        async def answers(status: int) -> bool:
            return (await client.get("/v2/models/credit/infer")).status_code == status

        assert await answers(200)
        write_atomically(live, json.dumps(more))
        await eventually(lambda: answers(418))

        write_atomically(live, "{not json")
        rejected = "/stats?filter=rds.front-door.update_failure"
        async with httpx.AsyncClient(base_url=real.settings.envoy_admin) as admin:

            async def refused() -> bool:
                return not (await admin.get(rejected)).text.strip().endswith(": 0")

            await eventually(refused)
        assert await answers(418)

        write_atomically(live, json.dumps(base))
        await eventually(lambda: answers(200))


async def test_a_killed_broker_comes_back_with_its_data(real: Real) -> None:
    await publish(real, b"before")
    killed = real.pid("kafka")

    os.kill(killed, signal.SIGKILL)
    await eventually(lambda: next(p for p in real.state().processes if p.name == "kafka").phase is not Phase.READY)
    await eventually(lambda: real.state().ready, within=40)

    assert real.pid("kafka") != killed
    await publish(real, b"after")
    assert await history(real) == [b"before", b"after"]


async def test_after_the_supervisor_is_killed_up_adopts_broker_and_front_door(real: Real) -> None:
    before = {name: real.pid(name) for name in ("kafka", "envoy", "echo")}
    os.kill(real.state().supervisor, signal.SIGKILL)
    await eventually(lambda: living.find(real.home, "supervisor") is None)

    await real.up()

    assert {name: real.pid(name) for name in before} == before


async def test_down_ends_the_broker_last_and_leaves_nothing(real: Real) -> None:
    stopped = await flock.down(real.settings)

    assert set(stopped.names) == {"kafka", "envoy", "echo", "console"}
    assert stopped.killed == ()
    assert living.tagged(real.home) == []


async def publish(real: Real, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=real.settings.brokers, acks="all", enable_idempotence=True)
    async with producer:
        await producer.send_and_wait("run.started", value, key=b"r-1")


async def history(real: Real) -> list[bytes]:
    consumer = AIOKafkaConsumer("run.started", bootstrap_servers=real.settings.brokers, auto_offset_reset="earliest")
    async with consumer:
        records: list[bytes] = []
        while len(records) < 2:
            records += [r.value for batch in (await consumer.getmany(timeout_ms=500)).values() for r in batch]
        return records
