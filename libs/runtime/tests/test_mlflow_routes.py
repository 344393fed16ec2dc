"""MLflow's clients at a real front door: which service answers which path, and that large bodies pass as they come."""

import asyncio
import hashlib
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from murmur_kernel.serve import KEEP_ALIVE_SECONDS
from murmur_runtime import envoy
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings
from murmur_runtime.testing import eventually

PIECE = bytes(range(256)) * 4096
"""1 MiB."""


class Named:
    """A service that says who it is and what it was sent; it reads bodies to their end and keeps nothing of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.connections = 0
        self.port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._speak, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *rest = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest if each)}
                digest, left = hashlib.sha256(), int(headers.get("content-length", 0))
                while left:
                    piece = await reader.read(min(left, 2**20))
                    digest.update(piece)
                    left -= len(piece)
                told = {"path": line.split(" ")[1], "sha256": digest.hexdigest(), **_of_the_client(headers)}
                text = "\n".join(f"{key}={value}" for key, value in {"name": self.name, **told}.items()).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _of_the_client(headers: dict[str, str]) -> dict[str, str]:
    return {name: headers.get(name, "") for name in ("authorization", "x-murmur-workspace")}


@dataclass(frozen=True)
class Door:
    url: str
    process: psutil.Process
    services: dict[str, Named]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=60) as client:
            yield client

    async def asked(self, method: str, path: str, **more: object) -> dict[str, str]:
        async with self.client() as client:
            answer = await client.request(method, path, **more)  # type: ignore[arg-type]
        return dict(line.split("=", 1) for line in answer.text.splitlines())


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    services = {name: Named(name) for name in ("tracking", "registry", "console")}
    settings = FlockSettings(home=tmp_path, port=free_front_door())
    home = Home(tmp_path)
    home.create()
    async with services["tracking"].serving(), services["registry"].serving(), services["console"].serving():
        prefixes = {"console": "/"}
        upstreams = [
            envoy.Upstream(name, each.port, prefixes.get(name, f"/{name}/"), websockets=name == "console")
            for name, each in services.items()
        ]
        envoy.prepare(settings, home, upstreams)
        with (tmp_path / "envoy.log").open("wb") as log:
            process = subprocess.Popen(envoy.command(home), stdout=log, stderr=log)  # noqa: ASYNC220  # takes no time
        try:
            found = Door(settings.front_door, psutil.Process(process.pid), services)

            async def ready() -> bool:
                try:
                    return (await found.asked("GET", "/"))["name"] == "console"
                except (httpx.TransportError, KeyError, ValueError):
                    return False

            await eventually(ready, within=60)
            yield found
        finally:
            process.kill()
            process.wait()


async def test_every_path_leads_to_the_service_that_owns_it_and_stays_as_it_is(door: Door) -> None:
    expected = {
        "/api/2.0/mlflow/registered-models/create": "registry",
        "/api/2.0/mlflow/registered-models/alias?name=a": "registry",
        "/api/2.0/mlflow/registered-models": "registry",
        "/ajax-api/2.0/mlflow/registered-models/search": "registry",
        "/api/2.0/mlflow/model-versions/search?filter=a": "registry",
        "/ajax-api/2.0/mlflow/model-versions/get": "registry",
        "/api/2.0/mlflow/runs/create": "tracking",
        "/api/2.0/mlflow/experiments/search": "tracking",
        "/api/2.0/mlflow/artifacts/list?run_id=1": "tracking",
        "/api/2.0/mlflow/model-versionsx": "tracking",
        "/api/3.0/mlflow/server-info": "tracking",
        "/ajax-api/3.0/mlflow/traces": "tracking",
        "/api/2.0/mlflow-artifacts/artifacts": "tracking",
        "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/a%20b.txt": "tracking",
        "/ajax-api/2.0/mlflow-artifacts/artifacts?path=0": "tracking",
        "/get-artifact?run_uuid=1&path=a": "tracking",
        "/health": "tracking",
        "/version": "tracking",
        "/shared/abc": "tracking",
        "/healthy": "console",
        "/api/2.0/other": "console",
        "/models": "console",
    }
    for path, service in expected.items():
        told = await door.asked("GET", path)
        assert (told["name"], told["path"]) == (service, path), path


async def test_a_doubled_slash_leads_where_a_single_one_does(door: Door) -> None:
    for path in ("/model-versions/get-artifact?path=a//b", "/api/2.0/mlflow/runs/get"):
        told = await door.asked("GET", f"{door.url}/{path}")
        assert (told["name"], told["path"]) == ("tracking", path)


async def test_the_clients_token_and_its_workspace_pass_through(door: Door) -> None:
    headers = {"Authorization": "Bearer t", "X-Murmur-Workspace": "ours"}
    told = await door.asked("POST", "/api/2.0/mlflow/runs/create", headers=headers)
    assert (told["authorization"], told["x-murmur-workspace"]) == ("Bearer t", "ours")


async def test_a_large_upload_passes_in_memory_that_does_not_grow(door: Door) -> None:
    pieces = 300
    before = door.process.memory_info().rss
    highest = before

    async def body() -> AsyncIterator[bytes]:
        nonlocal highest
        for _ in range(pieces):
            yield PIECE
            highest = max(highest, door.process.memory_info().rss)

    length = {"Content-Length": str(pieces * len(PIECE))}
    path = "/api/2.0/mlflow-artifacts/artifacts/0/model"
    told = await door.asked("PUT", path, content=body(), headers=length)
    assert told["sha256"] == hashlib.sha256(PIECE * pieces).hexdigest()
    assert highest - before < 48 * 2**20


async def test_connections_to_a_service_are_used_again(door: Door) -> None:
    async with door.client() as client:
        await client.get("/health")
        before = door.services["tracking"].connections
        for _ in range(20):
            await client.get("/health")
        assert door.services["tracking"].connections == before


async def test_a_link_to_a_shared_run_is_not_written_into_the_access_log(door: Door, tmp_path: Path) -> None:
    for path in ("/shared/secret", "/version"):
        await door.asked("GET", path)
    log = Home(tmp_path).log("envoy-access")
    await eventually(lambda: log.exists() and "/version" in log.read_text())
    assert "secret" not in log.read_text()


async def test_an_artifact_may_take_its_time_and_a_search_may_not(tmp_path: Path) -> None:
    upstreams = [envoy.Upstream("tracking", 9010, "/tracking/"), envoy.Upstream("registry", 9011, "/registry/")]
    [host] = envoy.route_configuration(upstreams)["virtual_hosts"]
    timeouts = {route["match"].get("path_separated_prefix"): route["route"]["timeout"] for route in host["routes"]}
    assert timeouts["/api/2.0/mlflow-artifacts"] == "0s"
    assert timeouts["/api/2.0/mlflow"] == "60s"


def test_it_is_the_front_door_that_closes_a_connection_nobody_uses(tmp_path: Path) -> None:
    envoy.prepare(FlockSettings(home=tmp_path, port=9000), Home(tmp_path), [envoy.Upstream("tracking", 9010, "/")])
    [cluster] = json.loads((tmp_path / "envoy" / "clusters.base.json").read_text())["resources"]
    [options] = cluster["typed_extension_protocol_options"].values()
    assert options["common_http_protocol_options"] == {"idle_timeout": "60s"}
    assert KEEP_ALIVE_SECONDS > 60
