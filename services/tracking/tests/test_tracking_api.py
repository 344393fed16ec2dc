"""Tracking's REST door, over the fake broker and store."""

import math
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tracking_facts import completed, logged, started

from murmur_events import Event, Record
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import Harness, eventually
from murmur_tracking.app import build
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.settings import Settings

TOPICS = ("run.started", "run.logged", "run.completed", "run.failed")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Two runs have happened: one logged NaN on its way and was completed, one is running."""
    broker = MemoryBroker()
    service, app = build(
        Settings(home=tmp_path, brokers="127.0.0.1:1"),
        store=MemoryStore(),
        sink=MemorySink(broker),
        source=MemorySource(broker, "tracking", TOPICS, wait=0.01),
    )
    envelopes: Harness[TrackingUnitOfWork] = Harness(TrackingUnitOfWork, kinds=())

    async def say(event: Event) -> None:
        raw = envelopes.record_of(event)
        await MemorySink(broker).send([Record(raw.topic, raw.key.encode(), raw.value, raw.headers)])

    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://tracking/v1") as client:
        for event in (
            started("a"),
            logged("a", step=1, value=math.nan, lines=("round 1", "round 2")),
            completed("a"),
            started("b", begin=100),
            logged("b", step=1, value=math.nan),
        ):
            await say(event)

        async def all_told() -> bool:
            run = (await client.get("/runs/a")).json()
            points = (await client.get("/runs/b/metrics")).json()
            return run.get("status") == "completed" and bool(points.get("items"))

        await eventually(all_told)
        yield client


async def test_runs_are_listed_and_filtered(client: httpx.AsyncClient) -> None:
    page = (await client.get("/runs")).json()
    assert [run["run_id"] for run in page["items"]] == ["b", "a"]
    assert page["next"] is None
    running = (await client.get("/runs?status=running&workflow=credit")).json()
    assert [run["run_id"] for run in running["items"]] == ["b"]


async def test_a_metric_that_is_no_number_is_null_in_json(client: httpx.AsyncClient) -> None:
    assert (await client.get("/runs/b")).json()["metrics"] == {"auc": None}
    points = (await client.get("/runs/a/metrics?name=auc")).json()
    assert [point["value"] for point in points["items"]] == [None]


async def test_lines_are_what_was_printed(client: httpx.AsyncClient) -> None:
    page = (await client.get("/runs/a/lines?limit=1")).json()
    assert page["items"] == ["round 1"]
    rest = (await client.get("/runs/a/lines", params={"cursor": page["next"]})).json()
    assert rest == {"items": ["round 2"], "next": None}


async def test_runs_are_compared_in_the_order_asked_for(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/compare?run=b&run=a")).json()
    assert [run["run_id"] for run in answer["runs"]] == ["b", "a"]
    assert answer["metrics"] == [{"name": "auc", "differs": True, "values": [None, 0.78]}]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runs/nobody", 404),
        ("/runs/nobody/lines", 404),
        ("/compare?run=a&run=nobody", 404),
        ("/runs?status=sleeping", 422),
        ("/runs?sort=colour", 422),
        ("/runs?cursor=nonsense", 400),
        ("/runs/a/lines?cursor=nonsense", 400),
        ("/compare", 422),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
