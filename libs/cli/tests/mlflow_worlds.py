"""Servers that speak MLflow's protocol, each in this process behind a front door of its own: to import from, and to."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from murmur_cli.mlflow_import.importing import Import
from murmur_cli.mlflow_import.sink import Sink
from murmur_cli.mlflow_import.source import Source
from murmur_cli.mlflow_import.tally import Tally
from murmur_cli.mlflow_import.wire import Wire
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import open_store
from murmur_registry import app as registry_app
from murmur_registry.settings import Settings as RegistrySettings
from murmur_tracking import app as tracking_app
from murmur_tracking.search import INDEX
from murmur_tracking.settings import Settings as TrackingSettings

P = "/api/2.0/mlflow"
A = "/api/2.0/mlflow-artifacts/artifacts"
SOURCE = "http://there"
HEARD_BY_REGISTRY = ("workspace.dropped", "model.logged", "experiment.changed")
PATIENCE = 60.0
"""Seconds that a call waits for an event at most: far more than a test may take."""

Json = dict[str, Any]


class Interrupted(BaseException):
    """As a kill -9: nothing in the import may catch it."""


class Front:
    """Tracking and registry behind the paths of the front door, as one application. Started by its lifespan."""

    def __init__(self, home: Path) -> None:
        home.mkdir(exist_ok=True)
        broker = MemoryBroker()
        self.home = home
        self._behind: dict[str, tuple[Any, Any]] = {}
        told = {"home": home, "brokers": "127.0.0.1:1", "hearsay_seconds": PATIENCE}
        for name, module, settings, index, topics in (
            ("tracking", tracking_app, TrackingSettings(**told), INDEX, ("workspace.emptied", "version.changed")),
            ("registry", registry_app, RegistrySettings(**told), None, HEARD_BY_REGISTRY),
        ):
            self._behind[name] = module.build(
                settings,
                store=open_store("memory:", uuid.uuid4().hex, index),
                sink=MemorySink(broker),
                source=MemorySource(broker, name, topics, wait=0.01),
            )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for service, _ in self._behind.values():
                await stack.enter_async_context(service.lifespan())
            yield

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            async with self.running():
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        path = scope["path"]
        name = "tracking"
        if path.startswith((f"{P}/registered-models", f"{P}/model-versions", "/registry/")):
            name = "registry"
        if path.startswith(f"/{name}/"):
            scope = {**scope, "path": path.removeprefix(f"/{name}"), "raw_path": None}
        await self._behind[name][1](scope, receive, send)


class Watched(httpx.AsyncBaseTransport):
    """Calls of a front. `watch` sees each before it arrives and after it was answered; `spoil` changes what arrives."""

    def __init__(self, front: Front) -> None:
        self._calls = httpx.ASGITransport(app=front)
        self.watch: Callable[[httpx.Request, bool], None] = lambda request, answered: None
        self.spoil: Callable[[httpx.Request], httpx.Request] = lambda request: request

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.watch(request, False)
        answer = await self._calls.handle_async_request(self.spoil(request))
        self.watch(request, True)
        return answer


@dataclass
class World:
    """A flock with tracking and registry."""

    home: Path
    doors: Watched
    http: httpx.AsyncClient
    workspace: str = "default"

    async def call(self, method: str, path: str, body: Json | None = None, /, **query: Any) -> Json:
        what = {"params": query} if method == "GET" else {"json": body or query}
        answer = await self.http.request(method, path, headers={"X-Murmur-Workspace": self.workspace}, **what)
        assert answer.status_code < 300, f"{path}: {answer.text}"
        found: Json = answer.json()
        return found

    async def post(self, path: str, /, **said: Any) -> Json:
        return await self.call("POST", P + path, said)

    async def get(self, path: str, /, **asked: Any) -> Json:
        return await self.call("GET", P + path, **asked)

    async def upload(self, uri: str, path: str, content: bytes) -> None:
        top = uri.removeprefix("mlflow-artifacts:/")
        headers = {"X-Murmur-Workspace": self.workspace}
        answer = await self.http.put(f"{A}/{top}/{path}", content=content, headers=headers)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def world(home: Path) -> AsyncIterator[World]:
    front = Front(home)
    doors = Watched(front)
    async with front.running(), httpx.AsyncClient(transport=doors, base_url="http://door") as http:
        yield World(home, doors, http)


async def imported(there: World, here: World, *names: str, at_once: int = 1) -> Tally:
    """Nobody waits between tries."""
    tally = Tally()
    headers = {"X-Murmur-Workspace": here.workspace, "X-Murmur-Reason": "imported"}
    async with (
        httpx.AsyncClient(transport=_Shared(there.doors), base_url=SOURCE) as reading,
        httpx.AsyncClient(transport=_Shared(here.doors), base_url="http://here", headers=headers) as writing,
    ):
        source = Source(Wire(reading, SOURCE, patience=(0,) * 5), SOURCE)
        sink = Sink(Wire(writing, "the front door", patience=(0,) * 5))
        await sink.check()
        await source.check()
        await Import(source, sink, tally, by="ada", at_once=at_once).run(names)
    return tally


class _Shared(httpx.AsyncBaseTransport):
    """Stays open when a client that uses it is closed."""

    def __init__(self, doors: Watched) -> None:
        self._doors = doors

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._doors.handle_async_request(request)


class Calls:
    """Counts what arrives at a door, and kills the import before or after the call of one number."""

    def __init__(self, kill_at: int | None = None, *, answered: bool = False) -> None:
        self.count = 0
        self.written: list[str] = []
        self._kill_at = kill_at
        self._answered = answered

    def __call__(self, request: httpx.Request, answered: bool) -> None:
        if not answered:
            self.count += 1
            if request.method != "GET":
                self.written.append(request.url.path)
        if self.count == self._kill_at and answered is self._answered:
            raise Interrupted(f"at {request.method} {request.url.path}")
