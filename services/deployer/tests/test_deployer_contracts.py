"""The fakes and the real things keep the same promises."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from murmur_deployer.domain.replicas import Replica
from murmur_deployer.domain.routing import Endpoint, Pool, Route, RoutingTable, Share
from murmur_deployer.domain.traffic import Traffic, quantile
from murmur_deployer.envoy.admin import EnvoyAdmin
from murmur_deployer.envoy.resilience import duration
from murmur_deployer.ports import ModelServers, ProbeRefused, RouteNotApplied, Router
from murmur_deployer.testing import PROBE, FakeModelServers, FakeRouter, version_state
from murmur_events.deployment_section import DeploymentSection
from murmur_events.models import VersionState
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import ArtifactCorrupt, Transient
from murmur_kernel.testing import eventually

FIRST, SECOND = Pool("credit-v1", (Endpoint("credit-v1-1", 9),)), Pool("credit-v2", (Endpoint("credit-v2-2", 10),))
TABLE = RoutingTable((Route("credit", "credit-v1"),), (FIRST,))
REPLICA = Replica("credit-v1-1", "credit", 1, 9, 11)
REAL = pytest.param("real", marks=pytest.mark.flock)


@pytest.fixture(params=["fake", "real"])
def router(request: pytest.FixtureRequest) -> Router:
    if request.param == "fake":
        return FakeRouter()
    front_door = request.getfixturevalue("front_door")
    return front_door.router(request.getfixturevalue("http"))


async def test_a_table_that_is_applied_may_be_applied_again(router: Router) -> None:
    await router.apply(TABLE)
    await router.apply(TABLE)
    assert await router.active_requests(REPLICA) == 0


async def test_one_table_follows_another(router: Router) -> None:
    await router.apply(TABLE)
    await router.apply(RoutingTable((Route("credit", "credit-v2"),), (FIRST, SECOND)))
    assert await router.active_requests(REPLICA) == 0
    await router.apply(RoutingTable((Route("credit", "credit-v2"),), (SECOND,)))
    await router.apply(RoutingTable())


async def test_a_front_door_that_is_away_applies_nothing(front_door, http) -> None:
    front_door.process.kill()
    for router in (front_door.router(http, seconds=0.2), FakeRouter(deaf=True)):
        with pytest.raises(RouteNotApplied, match="Envoy"):
            await router.apply(TABLE)


async def test_a_table_that_envoy_refuses_is_not_applied_and_the_old_one_stays(front_door, http) -> None:
    router = front_door.router(http, seconds=0.5)
    await router.apply(TABLE)
    with pytest.raises(RouteNotApplied, match="did not apply version"):
        await router.apply(RoutingTable((Route("credit", "no"),), (Pool("no", (Endpoint("nobody-1", 99_999),)),)))
    await router.apply(TABLE)


async def test_without_the_platforms_files_nothing_is_written(tmp_path: Path, front_door, http) -> None:
    (front_door.home.envoy / "routes.base.json").unlink()
    with pytest.raises(RouteNotApplied, match=r"routes\.base\.json' is missing"):
        await front_door.router(http).apply(TABLE)


async def test_the_front_door_answers_for_models_that_nobody_serves(front_door, http: httpx.AsyncClient) -> None:
    await front_door.router(http).apply(RoutingTable())
    answer = await http.get(f"{front_door.url}/v2/models/credit/ready")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert "no model of that name is deployed" in answer.json()["error"]


@pytest.fixture(params=["fake", REAL])
def servers(request: pytest.FixtureRequest) -> ModelServers:
    return FakeModelServers() if request.param == "fake" else request.getfixturevalue("local_servers")()


@pytest.fixture
async def state(request: pytest.FixtureRequest, artifacts: ArtifactStore, servers: ModelServers) -> VersionState:
    if isinstance(servers, FakeModelServers):
        return await version_state(artifacts, version=1)
    real = request.getfixturevalue("trained")(1)
    return await version_state(artifacts, version=1, model=real.model, signature=real.signature, probe=real.probe)


async def test_a_replica_is_started_found_probed_and_stopped(
    request: pytest.FixtureRequest, servers: ModelServers, state: VersionState, trained
) -> None:
    real = not isinstance(servers, FakeModelServers)
    next_deployer = request.getfixturevalue("local_servers")() if real else servers
    probe = trained(1).probe if real else PROBE
    replica = Replica("credit-v1-1", "credit", 1, *servers.choose_ports(set()))
    assert await servers.find(replica) is None
    assert not await servers.ready(replica)
    process = await servers.start(replica, state)
    started = replace(replica, process=process)
    await eventually(lambda: servers.ready(started), within=60)
    assert await servers.find(started) == await next_deployer.find(replica) == process
    assert await next_deployer.names() == {"credit-v1-1"}
    assert await servers.probe(started, probe["request"]) == pytest.approx(probe["outputs"], abs=1e-6)
    if not real:
        servers.refusing.add(1)
    with pytest.raises(ProbeRefused, match="error"):
        await servers.probe(started, {"inputs": []})
    assert await servers.last_words(started)
    await next_deployer.stop(replica)
    assert await servers.find(started) is None
    assert not await servers.ready(started)
    assert await servers.names() == set()
    assert await servers.counts(started) is None
    await servers.stop(started)


async def test_a_corrupt_model_starts_nothing_and_leaves_nothing(
    artifacts: ArtifactStore, local_servers: Callable[[], ModelServers]
) -> None:
    state = await version_state(artifacts, version=1)
    Path(state.artifacts.model.uri.removeprefix("file://")).write_bytes(b"changed")
    for servers in (local_servers(), FakeModelServers(corrupt={1})):
        with pytest.raises(ArtifactCorrupt, match=state.artifacts.model.sha256):
            await servers.start(Replica("credit-v1-1", "credit", 1, 9, 10), state)
        assert await servers.names() == set()


def test_ports_in_use_are_not_chosen(local_servers: Callable[[], ModelServers]) -> None:
    for servers in (local_servers(), FakeModelServers()):
        first = servers.choose_ports(set())
        second = servers.choose_ports({first[1]})
        assert not set(first) & set(second)
        assert servers.choose_ports(set(), rather=second) == second


def test_no_ports_left_is_said(local_servers: Callable[[], ModelServers]) -> None:
    with pytest.raises(Transient, match="no two free ports are left"):
        local_servers().choose_ports(range(65536))


async def test_a_draining_replica_gets_no_new_request_and_the_others_all(front_door, http: httpx.AsyncClient) -> None:
    async with answering("a") as first, answering("b") as second:
        router = front_door.router(http)
        both = (Endpoint("a", first), Endpoint("b", second))
        await router.apply(RoutingTable((Route("credit", "credit-v1"),), (Pool("credit-v1", both),)))
        assert {await _asked(front_door, http) for _ in range(20)} == {"a", "b"}
        drained = (Endpoint("a", first), Endpoint("b", second, draining=True))
        await router.apply(RoutingTable((Route("credit", "credit-v1"),), (Pool("credit-v1", drained),)))
        assert {await _asked(front_door, http) for _ in range(20)} == {"a"}


async def test_a_replica_that_is_gone_costs_no_request_while_another_answers(
    front_door, http: httpx.AsyncClient
) -> None:
    async with answering("a") as first:
        async with answering("b") as second:
            pool = Pool("credit-v1", (Endpoint("a", first), Endpoint("b", second)))
            await front_door.router(http).apply(RoutingTable((Route("credit", "credit-v1"),), (pool,)))
        assert [await _asked(front_door, http) for _ in range(30)] == ["a"] * 30


async def test_a_client_beyond_its_rate_is_refused(front_door, http: httpx.AsyncClient) -> None:
    async with answering("a") as port:
        limited = Route("credit", "credit-v1", rate_limit=5)
        table = RoutingTable((limited,), (Pool("credit-v1", (Endpoint("a", port),)),))
        await front_door.router(http).apply(table)
        url = f"{front_door.url}/v2/models/credit/infer"
        spoofed = [{"x-forwarded-for": f"10.0.0.{number}"} for number in range(20)]
        statuses = [(await http.post(url, headers=headers)).status_code for headers in spoofed]
        assert statuses[:5] == [200] * 5
        assert statuses.count(429) >= 10
        await front_door.router(http).apply(RoutingTable((replace(limited, rate_limit=None),), table.pools))
        assert {(await http.post(url)).status_code for _ in range(20)} == {200}


@pytest.mark.parametrize(
    ("timeout", "rate_limit", "weight"),
    [("1h", 1_000_000.0, 0.9999), ("10ms", 0.001, 0.0001), ("59.99m", 0.7, 0.5), ("10.5ms", None, 0.33333)],
)
async def test_whatever_a_workflow_may_ask_for_envoy_takes(
    front_door, http, timeout: str, rate_limit: float | None, weight: float
) -> None:
    """One route that it does not would take the front door from all deployments."""
    asked = DeploymentSection.model_validate(
        {"timeout": timeout, "rate_limit": rate_limit, "canary": {"steps": [weight]}}
    )
    [share] = asked.canary.steps
    route = Route(
        "credit", "credit-v1", asked.rate_limit, asked.timeout.total_seconds(), canary=Share("credit-v2", share)
    )
    await front_door.router(http).apply(RoutingTable((route,), (FIRST, SECOND)))


@pytest.mark.parametrize(
    "odd",
    [{"timeout": "12d"}, {"timeout": "0.1ms"}, {"rate_limit": 1e10}, {"rate_limit": 1e-9}]
    + [{"canary": {"steps": [share]}} for share in (0.00001, 0.99999)],
)
def test_numbers_that_no_front_door_takes_are_refused_with_the_workflow(odd: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"(greater|less) than or equal"):
        DeploymentSection.model_validate(odd)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(30.0, "30s"), (3600, "3600s"), (1_036_800, "1036800s"), (0.005, "0.005s"), (5e-05, "0.00005s")],
)
def test_durations_have_no_exponent(seconds: float, text: str) -> None:
    assert duration(seconds) == text


async def test_a_file_whose_coming_envoy_has_missed_is_put_there_again(front_door, http) -> None:
    """As when it was renamed into place between Envoy's first look and its first watch."""
    router = front_door.router(http)
    await router.apply(TABLE)
    both = RoutingTable((Route("credit", "credit-v2"),), (FIRST, SECOND))
    folder = front_door.home.envoy
    kept = {path: path.read_text() for path in (folder / "clusters.json", folder / "routes.json")}
    await router.apply(both)
    missed = {path: path.read_text() for path in kept}
    await router.apply(TABLE)
    for path, text in missed.items():
        path.write_text(text)  # in place: Envoy watches for renames
    await front_door.router(http).apply(both)


async def test_a_table_without_deployments_is_applied_to_a_front_door_that_knows_the_platform(front_door, http) -> None:
    """Then no cluster changes, only the version of their file."""
    admin = EnvoyAdmin(http, front_door.settings.envoy_admin)

    async def has_begun() -> bool:
        return await admin.version_of_clusters() == "base"

    await eventually(has_begun)
    await front_door.router(http).apply(RoutingTable())
    assert (await http.get(f"{front_door.url}/v2/models/credit/ready")).status_code == 404


async def test_a_canary_gets_its_share_and_a_shadow_copies(front_door, http: httpx.AsyncClient) -> None:
    async with answering("a") as first, answering("b") as second:
        router = front_door.router(http)
        pools = (Pool("credit-v1", (Endpoint("a", first),)), Pool("credit-v2", (Endpoint("b", second),)))
        half = Route("credit", "credit-v1", canary=Share("credit-v2", 0.5))
        await router.apply(RoutingTable((half,), pools))
        answers = [await _asked(front_door, http) for _ in range(200)]
        assert 60 < answers.count("b") < 140
        before = (await router.traffic())["credit-v2"].requests
        shadow = Route("credit", "credit-v1", canary=Share("credit-v2", 0.0))
        await router.apply(RoutingTable((shadow,), pools))
        assert {await _asked(front_door, http) for _ in range(50)} == {"a"}

        async def copied() -> bool:
            return (await router.traffic())["credit-v2"].requests == before + 50

        await eventually(copied)


async def test_the_front_door_tells_what_it_has_counted_of_a_version(front_door, http: httpx.AsyncClient) -> None:
    async with answering("a") as port:
        router = front_door.router(http)
        pool = Pool("credit-v1", (Endpoint("a", port),))
        await router.apply(RoutingTable((Route("credit", "credit-v1"),), (pool,)))
        for _ in range(7):
            await _asked(front_door, http)

        async def counted() -> Traffic | None:
            traffic = (await router.traffic()).get("credit-v1")
            return traffic if traffic and traffic.latency and traffic.latency[-1][1] == 7 else None

        traffic = await eventually(counted)
        assert traffic is not None
        assert traffic.requests == 7
        assert (quantile(traffic.latency, 0.99) or 0) > 0


@asynccontextmanager
async def answering(name: str) -> AsyncIterator[int]:
    """A server that answers everything with its name, and its port."""
    open_connections: set[asyncio.StreamWriter] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_connections.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(name)}\r\n\r\n{name}".encode())
                await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_connections:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _asked(front_door, http: httpx.AsyncClient) -> str:
    answer = await http.post(f"{front_door.url}/v2/models/credit/infer")
    assert answer.status_code == 200
    return answer.text
