"""Batches by REST: the door for files, the call, what is seen meanwhile, and what comes out."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as parquet
import pytest
from batch_harness import SIGNATURE, rows, serving

from murmur_deployer.app import build
from murmur_deployer.batches.testing import FakeScorer, parquet_bytes
from murmur_deployer.repository import DeployerUnitOfWork, Release
from murmur_deployer.settings import Settings
from murmur_deployer.testing import FakeModelServers, FakeRouter, version_state
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.commands import Done
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import eventually

PARQUET = {"content-type": "application/vnd.apache.parquet"}


@pytest.fixture
def scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture
async def client(tmp_path: Path, scorer: FakeScorer) -> AsyncIterator[httpx.AsyncClient]:
    broker = MemoryBroker()
    settings = Settings(home=tmp_path, brokers="127.0.0.1:1", batch_share=1, batch_input_bytes=10_000)
    service, app = build(
        settings,
        store=MemoryStore(),
        sink=MemorySink(broker),
        source=MemorySource(broker, "g", ["model.promoted", "batch.requested"], wait=0.01),
        servers=FakeModelServers(),
        router=FakeRouter(),
        scorer=scorer,
    )
    state = await version_state(ArtifactStore(f"file://{tmp_path}/artifacts"), version=1, signature=SIGNATURE)

    async def seed(_: None, uow: DeployerUnitOfWork) -> Done:
        uow.releases.save(Release("credit", 1, state))
        uow.deployments.save(serving(1))
        return Done()

    async with service.lifespan(app):
        await service.change(seed, None, answer=Done)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://deployer/v1") as client:
            yield client


async def sent(client: httpx.AsyncClient, content: bytes, headers: dict[str, str] = PARQUET) -> Any:
    answer = await client.post("/batch-inputs", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ended(client: httpx.AsyncClient, name: str) -> Any:
    async def look() -> Any:
        found = (await client.get(f"/batches/{name}")).json()
        return found if found["ended_at"] else None

    return await eventually(look)


async def test_a_file_is_sent_scored_and_fetched(client: httpx.AsyncClient, tmp_path: Path) -> None:
    given = await sent(client, parquet_bytes(rows(300)))
    assert given["rows"] == 300
    assert given["columns"][0] == {"name": "limit", "type": "double", "numeric": True}
    asked = await client.post("/batches", json={"deployment": "credit", "input": given["sha256"], "by": "ada"})
    assert asked.status_code == 202
    name = asked.json()["id"]
    batch = await ended(client, name)
    assert (batch["state"], batch["rows_done"], batch["version"], batch["by"]) == ("completed", 300, 1, "ada")
    output = await client.get(f"/batches/{name}/output")
    assert parquet.read_table(io.BytesIO(output.content)).num_rows == 300
    rest = await client.get(f"/batches/{name}/output", headers={"Range": "bytes=10-"})
    assert (rest.status_code, rest.content) == (206, output.content[10:])
    text = await client.get(f"/batches/{name}/output", params={"format": "csv"})
    assert text.text.splitlines()[:2] == ['"row","probability","error"', "0,0,"]
    assert not list((tmp_path / "batches" / "passing").iterdir()), "nothing that passed through stays"
    listed = await client.get("/batches", params={"deployment": "credit", "state": "completed"})
    assert [item["id"] for item in listed.json()["items"]] == [name]
    assert (await client.get("/batches", params={"state": "failed"})).json()["items"] == []


async def test_csv_is_taken_and_the_same_file_is_the_same_input(client: httpx.AsyncClient) -> None:
    content, headers = b"limit,age\n1.5,20\n2.5,30\n", {"content-type": "text/csv; charset=utf-8"}
    first, second = await sent(client, content, headers), await sent(client, content, headers)
    assert first == second
    assert [column["type"] for column in first["columns"]] == ["double", "int64"]


async def test_a_repeated_call_begins_one_batch(client: httpx.AsyncClient) -> None:
    given = await sent(client, parquet_bytes(rows(3)))
    body = {"deployment": "credit", "input": given["sha256"], "by": "ada"}
    answers = [await client.post("/batches", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert len((await client.get("/batches")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "the body is empty"),
        (b"limit,age\n1,2\n", 422, "is no Parquet file"),
        (parquet_bytes({"limit": [], "age": []}), 422, "no rows"),
        (b"x" * 10_001, 413, "more than 10,000 bytes"),
    ],
)
async def test_a_file_that_cannot_be_scored_is_not_taken(
    client: httpx.AsyncClient, tmp_path: Path, content: bytes, status: int, words: str
) -> None:
    answer = await client.post("/batch-inputs", content=content, headers=PARQUET)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert not list((tmp_path / "batches" / "passing").iterdir())


@pytest.mark.parametrize(
    ("wish", "columns", "status", "words"),
    [
        ({"deployment": "nobody"}, rows(3), 404, "'nobody'"),
        ({"version": 7}, rows(3), 409, "version 7 of 'credit' does not serve, version 1 does"),
        ({"input": "f" * 64}, rows(3), 410, "send the file first"),
        ({"input": "nonsense"}, rows(3), 422, "nonsense"),
        ({}, {"limit": [1.0]}, 422, "column 'age' is missing"),
        ({}, rows(3) | {"id": ["a", "b", "c"]}, 422, "column 'id' is none of the model's"),
        ({}, rows(3) | {"age": ["a", "b", "c"]}, 422, "column 'age' has type string"),
    ],
)
async def test_a_call_that_cannot_be_done_says_why(
    client: httpx.AsyncClient, scorer: FakeScorer, wish: dict[str, Any], columns: Any, status: int, words: str
) -> None:
    given = await sent(client, parquet_bytes(columns))
    answer = await client.post("/batches", json={"deployment": "credit", "input": given["sha256"], "by": "a"} | wish)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert (scorer.asked, (await client.get("/batches")).json()["items"]) == ([], [])


async def test_an_output_that_is_not_there_yet_and_a_batch_that_is_called_off(
    client: httpx.AsyncClient, scorer: FakeScorer
) -> None:
    scorer.away = 10_000
    given = await sent(client, parquet_bytes(rows(3)))
    body = {"deployment": "credit", "input": given["sha256"], "by": "ada"}
    name = (await client.post("/batches", json=body)).json()["id"]
    early = await client.get(f"/batches/{name}/output")
    assert (early.status_code, "has no output" in early.json()["detail"]) == (409, True)
    called_off = await client.post(f"/batches/{name}/cancel")
    assert (called_off.status_code, called_off.json()["cause"]) == (200, "cancelled")
    assert (await client.get(f"/batches/{name}/output")).status_code == 409
    assert (await client.get("/batches/nobody/output")).status_code == 404
