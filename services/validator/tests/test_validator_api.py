"""The validator's REST door, over the fake broker and store and a real artifact store."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from validator_facts import Shelf, good_model, registered, workflow_applied

from murmur_events import Event, Record
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import Harness, eventually
from murmur_validator.app import build
from murmur_validator.repository import ValidatorUnitOfWork
from murmur_validator.settings import Settings

TOPICS = ("model.registered", "validation.requested", "model.promoted", "workflow.applied")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """credit v1 was registered and judged."""
    settings = Settings(home=tmp_path, brokers="127.0.0.1:1")
    broker = MemoryBroker()
    service, app = build(
        settings,
        store=MemoryStore(),
        sink=MemorySink(broker),
        source=MemorySource(broker, "validator", TOPICS, wait=0.01),
    )
    envelopes: Harness[ValidatorUnitOfWork] = Harness(ValidatorUnitOfWork, kinds=())

    async def say(event: Event) -> None:
        raw = envelopes.record_of(event)
        await MemorySink(broker).send([Record(raw.topic, raw.key.encode(), raw.value, raw.headers)])

    shelf = Shelf(ArtifactStore(settings.artifacts_url))
    transport = httpx.ASGITransport(app=app)
    base = "http://validator/v1"
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url=base) as client:
        await say(workflow_applied())
        await say(registered(await shelf.version(1, good_model())))

        async def judged() -> bool:
            return (await client.get("/validations/credit/1")).json().get("status") == "completed"

        await eventually(judged, within=30)
        yield client


async def test_a_validation_is_listed_shown_and_has_its_report(client: httpx.AsyncClient, tmp_path: Path) -> None:
    page = (await client.get("/validations?model=credit&verdict=first")).json()
    assert [(found["version"], found["verdict"]) for found in page["items"]] == [(1, "first")]
    shown = (await client.get("/validations/credit/1")).json()
    assert shown["result"]["summary"] == shown["summary"]
    assert {check["name"] for check in shown["result"]["checks"]} == {"minimum_auc"}

    report = await client.get("/validations/credit/1/report")
    assert report.status_code == 200
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in report.headers["content-security-policy"]
    assert shown["summary"] in report.text

    stored = Path(shown["result"]["report"]["uri"].removeprefix("file://"))
    stored.write_text("<h1>all is well</h1>")
    changed = await client.get("/validations/credit/1/report")
    assert changed.status_code == 410
    assert "was changed" in changed.json()["detail"]


async def test_what_cannot_be_answered_is_a_problem(client: httpx.AsyncClient) -> None:
    for path, status in {
        "/validations/credit/9": 404,
        "/validations/credit/9/report": 404,
        "/validations?verdict=splendid": 422,
        "/validations?cursor=nonsense": 400,
    }.items():
        answer = await client.get(path)
        assert (path, answer.status_code) == (path, status)
        assert answer.headers["content-type"] == "application/problem+json"
