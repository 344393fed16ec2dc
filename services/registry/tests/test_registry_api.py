"""The registry's REST door, as the CLI and the console use it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from registry_facts import run_completed, validation_completed, workflow_applied

from murmur_events import Event, Record
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import Harness, eventually
from murmur_registry.app import build
from murmur_registry.repository import RegistryUnitOfWork
from murmur_registry.settings import Settings

TOPICS = ("run.completed", "validation.completed", "workflow.applied")
APPROVAL = {"decision": "approved", "by": "ann", "reason": "seen the report"}

Say = Callable[[Event], Awaitable[None]]


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
async def client(broker: MemoryBroker, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    service, app = build(
        Settings(home=tmp_path, brokers="127.0.0.1:1"),
        store=MemoryStore(),
        sink=MemorySink(broker),
        source=MemorySource(broker, "registry", TOPICS, wait=0.01),
    )
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://registry/v1") as client:
        yield client


@pytest.fixture
def say(broker: MemoryBroker) -> Say:
    envelopes: Harness[RegistryUnitOfWork] = Harness(RegistryUnitOfWork, kinds=())

    async def say(event: Event) -> None:
        raw = envelopes.record_of(event)
        await MemorySink(broker).send([Record(raw.topic, raw.key.encode(), raw.value, raw.headers)])

    return say


async def waiting_in_staging(client: httpx.AsyncClient, say: Say) -> None:
    await say(workflow_applied())
    await say(run_completed())
    await eventually(lambda: answers(client, "/models/credit"))
    await say(validation_completed(1, baseline=None, verdict="first"))
    await eventually(lambda: items(client, "/reviews?status=open"))


async def answers(client: httpx.AsyncClient, path: str) -> bool:
    return (await client.get(path)).status_code == 200


async def items(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(path)).json()["items"]
    return found


async def test_a_candidate_shows_what_it_waits_for(client: httpx.AsyncClient, say: Say) -> None:
    await say(run_completed())
    await eventually(lambda: answers(client, "/models/credit/versions/1"))
    version = (await client.get("/models/credit/versions/1")).json()
    assert version["status"] == "candidate"
    assert version["waiting_for"]["fact"] == "validation.completed"
    assert version["waiting_for"]["overdue"] is False
    assert version["waiting_for"]["due"] > version["waiting_for"]["since"]
    assert version["review"] is None


async def test_a_version_is_approved_and_the_aliases_tell_who_and_why(client: httpx.AsyncClient, say: Say) -> None:
    await waiting_in_staging(client, say)
    waiting = (await client.get("/models/credit/versions/1")).json()
    assert (waiting["status"], waiting["waiting_for"]["fact"]) == ("staging", "review.decided")
    assert waiting["review"]["summary"] == "first it is"

    answer = await client.post("/models/credit/versions/1/review", json=APPROVAL)
    assert answer.status_code == 200
    assert answer.json()["status"] == "approved"

    model = (await client.get("/models/credit")).json()
    assert {name: move["version"] for name, move in model["aliases"].items()} == {"staging": None, "production": 1}
    assert (model["latest_version"], model["staging"], model["production"]) == (1, None, 1)
    assert (model["aliases"]["production"]["by"], model["aliases"]["production"]["reason"]) == (
        "ann",
        "seen the report",
    )
    assert [move["alias"] for move in model["history"]] == ["staging", "production", "staging"]
    assert len(await items(client, "/models/credit/moves?limit=2")) == 2
    assert [version["version"] for version in await items(client, "/models/credit/versions?status=production")] == [1]
    assert await items(client, "/reviews?status=open") == []


async def test_deciding_twice_is_a_409_that_says_why(client: httpx.AsyncClient, say: Say) -> None:
    await waiting_in_staging(client, say)
    await client.post("/models/credit/versions/1/review", json=APPROVAL)
    answer = await client.post("/models/credit/versions/1/review", json={**APPROVAL, "by": "bob"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "ann approved it already" in answer.json()["detail"]


async def test_a_repeated_call_with_its_key_gets_the_same_answer(client: httpx.AsyncClient, say: Say) -> None:
    await waiting_in_staging(client, say)
    first, second = [
        await client.post("/models/credit/versions/1/review", json=APPROVAL, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()


@pytest.mark.parametrize("body", [{**APPROVAL, "decision": "maybe"}, {**APPROVAL, "reason": ""}, {"by": "ann"}])
async def test_a_decision_without_name_reason_or_meaning_is_a_422(
    client: httpx.AsyncClient, body: dict[str, str]
) -> None:
    assert (await client.post("/models/credit/versions/1/review", json=body)).status_code == 422


async def test_what_does_not_exist_is_a_404(client: httpx.AsyncClient) -> None:
    for path in ("/models/nobody", "/models/nobody/versions", "/models/nobody/moves", "/models/nobody/versions/1"):
        assert (await client.get(path)).status_code == 404
    assert (await client.post("/models/nobody/versions/1/review", json=APPROVAL)).status_code == 404


async def test_versions_come_newest_first_and_in_pages(client: httpx.AsyncClient, say: Say) -> None:
    for number in range(1, 4):
        await say(run_completed(f"run-{number}"))
    await eventually(lambda: answers(client, "/models/credit/versions/3"))
    page = (await client.get("/models/credit/versions?limit=2")).json()
    assert [version["version"] for version in page["items"]] == [3, 2]
    rest = (await client.get(f"/models/credit/versions?limit=2&cursor={page['next']}")).json()
    assert [version["version"] for version in rest["items"]] == [1]
    assert rest["next"] is None
    assert [model["name"] for model in await items(client, "/models")] == ["credit"]
