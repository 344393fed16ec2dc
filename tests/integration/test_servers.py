"""The servers set-up on one machine: three brokers, two replicas of each service, MongoDB; a workflow to its end."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from live import LiveFlock, of

from murmur_kernel.testing import eventually
from murmur_runtime import flock as runtime
from murmur_runtime import living
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import ALONE, SERVICE_OFFSETS, FlockSettings, Profile

pytestmark = [pytest.mark.flock, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, mongodb: str) -> Iterator[LiveFlock]:
    settings = FlockSettings(
        home=tmp_path_factory.mktemp("servers"),
        port=free_front_door(span=60),
        profile=Profile.SERVERS,
        store=mongodb,
        broker_memory="256m",
    )
    try:
        asyncio.run(runtime.up(settings, within=600))
        yield LiveFlock(settings)
    finally:
        asyncio.run(runtime.down(settings))


def test_status_shows_three_brokers_and_two_replicas_of_each_service(servers: LiveFlock) -> None:
    shown = json.loads(servers.murmur("status", "--json").stdout)

    names = {process["name"] for process in shown["processes"]}
    services = {f"{name}-{number}" for name in SERVICE_OFFSETS.keys() - ALONE for number in (1, 2)}
    assert names == {"kafka-1", "kafka-2", "kafka-3", "envoy", *services, *ALONE}
    assert shown["ready"]


async def test_a_workflow_reaches_its_deployment_once_and_its_model_answers(servers: LiveFlock, tmp_path: Path) -> None:
    name = "on-servers"
    await servers.apply(servers.scaffold(tmp_path / name, name), name)
    await servers.trigger(name)
    await servers.until("the review", of("review.requested", name), within=300)
    await servers.review(name, 1, "approved")
    await servers.until("the deployment", of("model.deployed", name), within=300)

    history = await servers.history()
    for topic in ("training.requested", "run.completed", "model.registered", "validation.completed", "model.deployed"):
        assert len({envelope.id for envelope in history if of(topic, name)(envelope)}) == 1, topic
    registered = next(envelope for envelope in history if of("model.registered", name)(envelope))
    probe = Path(registered.event.state.artifacts.probe.uri.removeprefix("file://"))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(base_url=servers.settings.front_door, timeout=60) as client:
        answer = await client.post(f"/v2/models/{name}/infer", json=json.loads(probe.read_text())["request"])
        targets = (await client.get("/deployer/v1/scrape-targets")).json()
        numbers = await client.get(f"http://{targets[0]['targets'][0]}/metrics")
    assert answer.status_code == 200
    assert len(targets) == 1
    assert "murmur_serving_requests_total{" in numbers.text


async def test_the_front_door_answers_on_while_a_replica_is_killed(servers: LiveFlock) -> None:
    killed = servers.kill("registry-1")
    async with httpx.AsyncClient(base_url=servers.settings.front_door, timeout=30) as client:
        answers = [(await client.get("/registry/v1/models")).status_code for _ in range(20)]

    assert answers == [200] * 20
    await eventually(lambda: servers.pid("registry-1") != killed, within=60)
    await asyncio.to_thread(servers.wait_ready, within=120)


async def test_down_ends_everything(servers: LiveFlock) -> None:
    stopped = await runtime.down(servers.settings)

    assert len(stopped.names) == 4 + 2 * len(SERVICE_OFFSETS) - len(ALONE)
    assert living.tagged(Home(servers.settings.home)) == []
