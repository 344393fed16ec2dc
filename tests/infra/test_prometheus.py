"""Prometheus reads the configuration of this repository, scrapes a running service by it, and raises an alert."""

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from asked_for import INFRA, expressions

from murmur_kernel.store import ChangeSet, DeadLetter, RawRecord, SqliteStore
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import service
from murmur_runtime.scraping import prepare
from murmur_runtime.settings import FlockSettings
from murmur_runtime.testing import eventually

PROMETHEUS = INFRA / "prometheus"


def needed(binary: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(binary) is None, reason=f"{binary} is not here: apt-get install prometheus")


@needed("promtool")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("check", "config", "one-machine.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),  # its secrets are not here
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@needed("promtool")
@pytest.mark.parametrize("threshold", ["> 30\n", "> 0.1\n", "> 10000\n"])
def test_a_changed_threshold_is_noticed_by_the_rules_own_tests(tmp_path: Path, threshold: str) -> None:
    shutil.copytree(PROMETHEUS, tmp_path / "p")
    rules = tmp_path / "p" / "alerts.yml"
    assert threshold in rules.read_text()
    rules.write_text(rules.read_text().replace(threshold, threshold.replace("> ", "> 99")))

    done = subprocess.run(["promtool", "test", "rules", "alerts_test.yml"], cwd=tmp_path / "p", check=False)

    assert done.returncode != 0


@pytest.fixture
def settings(tmp_path: Path) -> FlockSettings:
    return FlockSettings(home=tmp_path / "flock", port=free_front_door(span=30))


@pytest.fixture
def registry(settings: FlockSettings) -> Iterator[str]:
    """A real registry whose broker is away: its address. It serves its numbers all the same."""
    home = Home(settings.home)
    home.create()
    spec = service(settings, "registry", (sys.executable, "-m", "murmur_registry"))
    prepare(settings, home, [spec])
    process = subprocess.Popen(spec.command, env=spec.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://{settings.host}:{spec.port}"
    finally:
        process.terminate()
        process.wait(20)


@needed("prometheus")
async def test_a_service_is_scraped_and_an_alert_fires_once_there_is_a_reason(
    settings: FlockSettings, registry: str, tmp_path: Path
) -> None:
    store = SqliteStore(str(Home(settings.home).store("registry")))
    await eventually(lambda: answers(f"{registry}/livez"), within=60)
    async with httpx.AsyncClient(timeout=5) as http, running_prometheus(settings, tmp_path) as prometheus:
        ask = Questions(http, prometheus)
        await eventually(lambda: ask.value('up{job="services",service="registry"}', 1.0), within=20)
        await eventually(lambda: ask.value("murmur_dead_letters", 0.0), within=20)
        await eventually(ask.has_looked_at_the_rules, within=20)
        assert await ask.firing() == set()
        for where, expression in expressions():
            assert await ask.understands(expression), where

        await store.open({})
        await bury_one(store)
        await store.close()

        await eventually(lambda: ask.fires("DeadLettersGrow", service="registry"), within=40)
        assert await ask.firing() == {"DeadLettersGrow"}


class Questions:
    """What is asked of a running Prometheus."""

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self._http = http
        self._address = address

    async def _get(self, path: str, **query: str) -> Any:
        answer = (await self._http.get(f"{self._address}/api/v1/{path}", params=query)).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    async def value(self, expression: str, expected: float) -> bool:
        found = (await self._get("query", query=expression))["result"]
        return [float(each["value"][1]) for each in found] == [expected]

    async def understands(self, expression: str) -> bool:
        return "result" in await self._get("query", query=expression)

    async def has_looked_at_the_rules(self) -> bool:
        groups = (await self._get("rules"))["groups"]
        return bool(groups) and all(not rule["lastEvaluation"].startswith("0001") for rule in groups[0]["rules"])

    async def firing(self) -> set[str]:
        alerts = (await self._get("alerts"))["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    async def fires(self, name: str, **labels: str) -> bool:
        alerts = (await self._get("alerts"))["alerts"]
        wanted = {"alertname": name, **labels}
        return any(alert["state"] == "firing" and wanted.items() <= alert["labels"].items() for alert in alerts)


@asynccontextmanager
async def running_prometheus(settings: FlockSettings, tmp_path: Path) -> AsyncIterator[str]:
    """With the repository's one-machine.yml; only where the flock is, and how often it looks, are the test's own."""
    text = (PROMETHEUS / "one-machine.yml").read_text()
    for ours, theirs in {
        "../../.murmur": str(settings.home),
        "http://127.0.0.1:8080": settings.front_door,
        "alerts.yml": str(PROMETHEUS / "alerts.yml"),
        "interval: 5s": "interval: 500ms",
    }.items():
        assert ours in text
        text = text.replace(ours, theirs)
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        *("--config.file", str(configuration), "--storage.tsdb.path", str(tmp_path / "tsdb")),
        f"--web.listen-address={address}",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: answers(f"http://{address}/-/ready"), within=30)
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


async def answers(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(url)).status_code == 200
        except httpx.TransportError:
            return False


async def bury_one(store: SqliteStore) -> None:
    """What a person finds in the morning."""
    record = RawRecord(topic="run.completed", partition=0, offset=7, key="r-1", value=b"{", headers=())
    letter = DeadLetter(
        id="run.completed/0/7", record=record, error="Undecodable", reason="a test", at=datetime.now(UTC)
    )
    await store.commit(ChangeSet(dead_letter=letter))
