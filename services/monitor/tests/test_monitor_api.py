"""The monitor's REST door: pages, filters and problems."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from monitor_facts import START, model_deployed, workflow_applied

from murmur_events import Event, Record
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import Harness, eventually
from murmur_monitor.app import build
from murmur_monitor.domain.drift import ColumnTest
from murmur_monitor.domain.measured import Compared, Statistics
from murmur_monitor.domain.windows import Window, as_millis
from murmur_monitor.findings import WindowClosed, record_window
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_monitor.settings import Settings

TOPICS = ("workflow.applied", "model.deployed", "deployment.failed")
P_VALUES = {"drift": 1e-9, "stable": 0.4}


def closed(number: int, outcome: str) -> WindowClosed:
    start = as_millis(START + timedelta(minutes=5 * number))
    comparison = Compared("scipy 1", 0.01, (ColumnTest("amount", 0.2, P_VALUES[outcome]),))
    return WindowClosed(
        "credit", "credit", 1, Window(start, start + 300_000), Statistics(500, 2, 1.7, 2.0, 9.0, 0.2), comparison
    )


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Credit serves; its second and third windows of four have drifted. There is no Kafka."""
    broker = MemoryBroker()
    service, app = build(
        Settings(home=tmp_path, brokers="127.0.0.1:1"),
        store=MemoryStore(),
        sink=MemorySink(broker),
        source=MemorySource(broker, "monitor", TOPICS, wait=0.01),
    )
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://monitor") as client:
        for event in (workflow_applied(), model_deployed()):
            await say(broker, event)
        await eventually(lambda: items(client, "/v1/deployments"))
        for number, outcome in enumerate(("stable", "drift", "drift", "stable")):
            await service.change(record_window, closed(number, outcome), answer=int)
        yield client


async def say(broker: MemoryBroker, event: Event) -> None:
    raw = Harness(MonitorUnitOfWork, kinds=()).record_of(event)
    await MemorySink(broker).send([Record(raw.topic, raw.key.encode(), raw.value, raw.headers)])


async def items(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_deployments_say_what_serves_and_whether_it_drifts(client: httpx.AsyncClient) -> None:
    (watch,) = await items(client, "/v1/deployments")
    assert (watch["deployment"], watch["workflow"], watch["version"], watch["episode"]) == ("credit", "credit", 1, None)


async def test_windows_come_newest_first_and_in_pages(client: httpx.AsyncClient) -> None:
    first = (await client.get("/v1/deployments/credit/windows?limit=3")).json()
    rest = (await client.get(f"/v1/deployments/credit/windows?limit=3&cursor={first['next']}")).json()
    assert [window["outcome"] for window in first["items"] + rest["items"]] == ["stable", "drift", "drift", "stable"]
    starts = [window["start"] for window in first["items"] + rest["items"]]
    assert starts == sorted(starts, reverse=True)
    assert rest["next"] is None


async def test_a_window_shows_its_numbers_and_its_evidence(client: httpx.AsyncClient) -> None:
    window = (await items(client, "/v1/deployments/credit/windows?outcome=drift"))[0]
    assert (window["rows"], window["errors"], window["latency_p99_ms"], window["engine"]) == (500, 2, 9.0, "scipy 1")
    assert window["columns"] == [{"column": "amount", "statistic": 0.2, "p_value": 1e-9, "drifted": True}]


async def test_an_episode_shows_how_long_it_lasted(client: httpx.AsyncClient) -> None:
    (drift,) = await items(client, "/v1/drifts?deployment=credit")
    assert (drift["status"], drift["windows"], drift["version"]) == ("closed", 2, 1)
    windows = await items(client, "/v1/deployments/credit/windows")
    assert [window["episode"] == drift["episode"] for window in windows] == [True, True, True, False]
    assert await items(client, "/v1/drifts?deployment=fraud") == []


async def test_alerts_are_filtered_by_status(client: httpx.AsyncClient) -> None:
    (alert,) = await items(client, "/v1/alerts?status=resolved")
    assert alert["title"] == "credit version 1 drifts"
    assert await items(client, "/v1/alerts?status=raised") == []


async def test_a_deployment_that_is_not_watched_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/deployments/nobody/windows")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "'nobody'" in answer.json()["detail"]


async def test_a_limit_out_of_bounds_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/alerts?limit=0")).status_code == 422


async def test_it_is_not_ready_while_its_stream_is_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["stream"] == {"ok": False, "detail": "not started yet"}
