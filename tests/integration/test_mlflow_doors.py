"""One client of MLflow's protocol goes from tracking to the registry and back faster than events do, and is served
rightly: both services in this process, with a broker between them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import open_store
from murmur_registry import app as registry
from murmur_registry.settings import Settings as RegistrySettings
from murmur_tracking import app as tracking
from murmur_tracking.search import INDEX
from murmur_tracking.settings import Settings as TrackingSettings

P = "/api/2.0/mlflow"
WAIT = 60.0
"""Seconds that a call waits for an event at most: far more than a test may take."""

Json = dict[str, Any]


class Client:
    """In the workspace `team-b`; calls go where the front door sends them."""

    def __init__(self, tracking: httpx.AsyncClient, registry: httpx.AsyncClient) -> None:
        self._tracking = tracking
        self._registry = registry

    async def ask(self, method: str, path: str, **said: object) -> Json:
        door = self._registry if path.startswith(("/registered-models", "/model-versions")) else self._tracking
        what: Json = {"params": said} if method == "GET" else {"json": said}
        answer = await door.request(method, P + path, headers={"X-Murmur-Workspace": "team-b"}, **what)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    async def drop(self) -> Json:
        body: Json = (await self._tracking.delete("/v1/workspaces/team-b")).json()
        return body


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    broker = MemoryBroker()

    def of(service: str, *topics: str) -> Json:
        return {"sink": MemorySink(broker), "source": MemorySource(broker, service, topics, wait=0.01)}

    trackings, tracking_app = tracking.build(
        TrackingSettings(home=tmp_path / "t", brokers="127.0.0.1:1", hearsay_seconds=WAIT),
        store=open_store(f"sqlite:///{tmp_path}/tracking.db", "tracking", INDEX),
        **of("tracking", "workspace.emptied", "version.changed"),
    )
    registries, registry_app = registry.build(
        RegistrySettings(home=tmp_path / "r", brokers="127.0.0.1:1", hearsay_seconds=WAIT),
        store=open_store(f"sqlite:///{tmp_path}/registry.db", "registry"),
        **of("registry", "workspace.dropped", "model.logged", "experiment.changed"),
    )
    async with (
        trackings.lifespan(),
        registries.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=tracking_app), base_url="http://tracking") as one,
        httpx.AsyncClient(transport=httpx.ASGITransport(app=registry_app), base_url="http://registry") as other,
    ):
        yield Client(one, other)


async def test_a_suite_that_drops_its_workspace_and_begins_anew_at_once(client: Client) -> None:
    for _ in range(10):
        await client.ask("POST", "/registered-models/create", name="churn")
        made = await client.ask("POST", "/model-versions/create", name="churn", source="s3://models/churn")
        assert made["model_version"]["version"] == "1"
        await client.ask("POST", "/runs/create", experiment_id="0", start_time=1)
        assert (await client.drop())["models_gone"] is True


async def test_a_logged_model_is_registered_at_once_and_tells_of_it_at_once(client: Client) -> None:
    run = (await client.ask("POST", "/runs/create", experiment_id="0", start_time=1))["run"]["info"]["run_id"]
    await client.ask("POST", "/registered-models/create", name="churn")
    listed = []
    for number in (1, 2, 3):
        logged = await client.ask("POST", "/logged-models", experiment_id="0", source_run_id=run)
        info = logged["model"]["info"]
        for version in (2 * number - 1, 2 * number):
            made = await client.ask(
                "POST", "/model-versions/create", name="churn", source=f"models:/{info['model_id']}"
            )
            assert (made["model_version"]["version"], made["model_version"]["run_id"]) == (str(version), run)
            uri = await client.ask("GET", "/model-versions/get-download-uri", name="churn", version=str(version))
            assert uri == {"artifact_uri": info["artifact_uri"]}
            shown = await client.ask("GET", f"/logged-models/{info['model_id']}")
            listed.append({tag["key"]: tag["value"] for tag in shown["model"]["info"]["tags"]}["mlflow.modelVersions"])
    assert listed[:2] == [
        '[{"name": "churn", "version": 1}]',
        '[{"name": "churn", "version": 1}, {"name": "churn", "version": 2}]',
    ]


async def test_a_path_of_a_run_is_registered_at_once(client: Client) -> None:
    made = await client.ask("POST", "/experiments/create", name="on disk", artifact_location="/mlruns/7")
    run = await client.ask("POST", "/runs/create", experiment_id=made["experiment_id"], start_time=1)
    info = run["run"]["info"]
    await client.ask("POST", "/registered-models/create", name="churn")
    await client.ask(
        "POST",
        "/model-versions/create",
        name="churn",
        source=f"file://{info['artifact_uri']}/model",
        run_id=info["run_id"],
    )
