"""The registry's app as clients call it: MLflow's door and the registry's own, over a store of the test's choice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from murmur_access import Role, TokenFile
from murmur_events import Event, Record
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.service import Service
from murmur_kernel.store import open_store
from murmur_kernel.testing import Harness
from murmur_registry.app import build
from murmur_registry.repository import RegistryUnitOfWork
from murmur_registry.settings import Settings

TOPICS = (
    "run.completed",
    "validation.completed",
    "workflow.applied",
    "automation.frozen",
    "workspace.dropped",
    "model.logged",
    "experiment.changed",
)
MLFLOW = "/api/2.0/mlflow"

Json = dict[str, Any]


class Refused(Exception):
    """An answer of MLflow's door that is no 200."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"{body.get('error_code')}: {body.get('message')}")
        self.status = status
        self.code = body.get("error_code")
        self.message = str(body.get("message"))


@dataclass
class Doors:
    http: httpx.AsyncClient
    broker: MemoryBroker
    service: Service[RegistryUnitOfWork]
    tokens: dict[Role, str]

    async def mlflow(self, method: str, path: str, body: Json | None = None, **headers: str) -> Json:
        """Raises Refused. GET sends a query, all others a body; `reason=…` is the header X-Murmur-Reason."""
        names = {"workspace": "X-Murmur-Workspace", "reason": "X-Murmur-Reason"}
        sent = {names[name]: value for name, value in headers.items() if name in names}
        if role := headers.get("role"):
            sent["Authorization"] = f"Bearer {self.tokens[Role(role)]}"
        what: Json = {"params": body} if method == "GET" else {"json": body or {}}
        response = await self.http.request(method, f"{MLFLOW}/{path}", headers=sent, **what)
        if response.status_code != 200:
            raise Refused(response.status_code, response.json())
        answer: Json = response.json()
        return answer

    async def make(self, name: str, versions: int = 1, **headers: str) -> None:
        """A model with versions that a client made."""
        await self.mlflow("POST", "registered-models/create", {"name": name}, **headers)
        for _ in range(versions):
            await self.make_version(name, **headers)

    async def make_version(self, name: str, source: str = "runs:/r1/model", **headers: str) -> Json:
        body = {"name": name, "source": source, "run_id": "r1"}
        version: Json = (await self.mlflow("POST", "model-versions/create", body, **headers))["model_version"]
        return version

    async def version(self, name: str, version: int = 1, **headers: str) -> Json:
        asked = {"name": name, "version": str(version)}
        found: Json = (await self.mlflow("GET", "model-versions/get", asked, **headers))["model_version"]
        return found

    async def model(self, name: str, **headers: str) -> Json:
        found: Json = (await self.mlflow("GET", "registered-models/get", {"name": name}, **headers))["registered_model"]
        return found

    async def say(self, event: Event) -> None:
        """As another service publishes it."""
        envelopes: Harness[RegistryUnitOfWork] = Harness(RegistryUnitOfWork, kinds=())
        raw = envelopes.record_of(event)
        await MemorySink(self.broker).send([Record(raw.topic, raw.key.encode(), raw.value, raw.headers)])


@asynccontextmanager
async def doors(store: str, home: Path, *, auth: bool = False, hearsay: float = 0.2) -> AsyncIterator[Doors]:
    broker = MemoryBroker()
    settings = Settings(home=home, brokers="127.0.0.1:1", auth="tokens" if auth else "off", hearsay_seconds=hearsay)
    url = "memory:" if store == "memory" else f"sqlite:///{home}/registry.db" if store == "sqlite" else store
    service, app = build(
        settings,
        store=open_store(url, f"registry_{home.name}"),
        sink=MemorySink(broker),
        source=MemorySource(broker, "registry", TOPICS, wait=0.01),
    )
    tokens = TokenFile(home / "secrets" / "tokens.json") if auth else None
    shown = {role: tokens.issue(role.value, [role]).token for role in Role} if tokens else {}
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://registry") as http:
        yield Doors(http, broker, service, shown)
