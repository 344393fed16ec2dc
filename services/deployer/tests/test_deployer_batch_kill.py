"""A deployer that is killed in the midst of a batch, among real processes: no row is missing, none is there twice."""

import asyncio
import io
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pyarrow.parquet as parquet
import pytest
from on_kafka import heard, publish

from murmur_deployer.batches.testing import parquet_bytes
from murmur_deployer.testing import promoted, version_state, workflow_applied
from murmur_events import from_record
from murmur_events.batches import BatchCompleted
from murmur_events.serving import PredictionLogged
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.testing import eventually

pytestmark = [pytest.mark.flock, pytest.mark.timeout(240)]

ROWS, CHUNK = 12_000, 1000
TOPICS = ("model.deployed", "batch.completed", "batch.failed", "prediction.logged")


class Flock:
    """One deployer as a process that a test may kill, with the model servers that it starts."""

    def __init__(self, front_door: Any, brokers: str, http: httpx.AsyncClient) -> None:
        settings = front_door.settings
        self.home: Path = settings.home
        self._url = f"http://127.0.0.1:{settings.ports.service('deployer')}/v1"
        self._http = http
        self._log = front_door.home.log("deployer")
        self._environment = os.environ | {
            "MURMUR_HOME": str(settings.home),
            "MURMUR_PORT": str(settings.port),
            "MURMUR_SERVICE_PORT": str(settings.ports.service("deployer")),
            "MURMUR_BROKERS": brokers,
            "MURMUR_ENVOY_ADMIN": settings.envoy_admin,
            "MURMUR_FLOCK": front_door.home.tag,
            "MURMUR_BATCH_CHUNK_ROWS": str(CHUNK),
            "MURMUR_BATCH_SHARE": "0.2",
            "MURMUR_JOB_LEASE_SECONDS": "3",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "murmur_deployer"]
            self.process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    async def get(self, path: str) -> Any:
        """None while it does not answer with success."""
        try:
            answer = await self._http.get(f"{self._url}{path}")
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None

    async def ask(self, content: bytes) -> str:
        given = await self._http.post(f"{self._url}/batch-inputs", content=content)
        wish = {"deployment": "credit", "input": given.json()["sha256"], "by": "ada"}
        name: str = (await self._http.post(f"{self._url}/batches", json=wish)).json()["id"]
        return name

    async def chunks_done(self, name: str) -> int:
        batch = await self.get(f"/batches/{name}")
        return batch["rows_done"] // CHUNK if batch else 0

    async def completed(self, name: str) -> Any:
        async def look() -> Any:
            batch = await self.get(f"/batches/{name}")
            return batch if batch and batch["ended_at"] else None

        batch = await eventually(look, within=120)
        assert batch["state"] == "completed", batch
        return batch

    async def output(self, name: str) -> np.ndarray:
        answer = await self._http.get(f"{self._url}/batches/{name}/output")
        outputs: np.ndarray = parquet.read_table(io.BytesIO(answer.content))["probability"].to_numpy()
        return outputs

    def end(self) -> None:
        self.kill()
        for orphan in psutil.process_iter(["cmdline"]):
            if str(self.home / "replicas") in " ".join(orphan.info["cmdline"] or []):
                orphan.kill()


@pytest.fixture
async def flock(front_door: Any, own_brokers: str, http: httpx.AsyncClient, trained: Any) -> AsyncIterator[Flock]:
    flock = Flock(front_door, own_brokers, http)
    real = trained(1)
    artifacts = ArtifactStore(f"file://{flock.home}/artifacts")
    state = await version_state(artifacts, version=1, model=real.model, signature=real.signature, probe=real.probe)
    await publish(own_brokers, workflow_applied())
    await publish(own_brokers, promoted(state, alias_revision=1))
    flock.start()
    try:
        await eventually(lambda: _serves(flock), within=90)
        yield flock
    finally:
        flock.end()


async def _serves(flock: Flock, version: int = 1) -> bool:
    deployment = await flock.get("/deployments/credit")
    return bool(deployment and deployment["serving_version"] == version)


async def test_a_killed_deployer_loses_no_row_of_a_batch_and_doubles_none(
    flock: Flock, own_brokers: str, http: httpx.AsyncClient
) -> None:
    draw = np.random.default_rng(3)
    content = parquet_bytes({"a": draw.normal(size=ROWS), "b": draw.normal(size=ROWS)}, group_rows=5000)
    undisturbed = await flock.completed(await flock.ask(content))

    name = await flock.ask(content)
    killed_at = []
    for after in (3, 7):
        await eventually(lambda after=after: _reached(flock, name, after), within=60)
        flock.kill()
        flock.start()
        await eventually(lambda: flock.get(f"/batches/{name}"), within=60)
        killed_at.append(await flock.chunks_done(name))
    batch = await flock.completed(name)

    assert all(3 <= chunks < ROWS // CHUNK for chunks in killed_at), "it was killed in the midst"
    assert (batch["rows"], batch["rows_done"], batch["failed_rows"]) == (ROWS, ROWS, 0)
    assert batch["output_sha256"] == undisturbed["output_sha256"], "bit for bit"

    completed, rows = await _told(own_brokers, undisturbed["id"], name)
    assert Counter(event.batch for event in completed) == {undisturbed["id"]: 1, name: 1}
    assert rows[undisturbed["id"]] == Counter(_requests(undisturbed["id"])), "undisturbed: each request once"
    seen = rows[name]
    assert set(seen) == set(_requests(name))
    again = {request for request, times in seen.items() if times > _requests(name)[request]}
    assert {request.split("/")[1] for request in again} <= {f"{chunks:06d}" for chunks in _around(killed_at)}
    print(f"killed after {killed_at} of {ROWS // CHUNK} chunks; requests logged twice: {sorted(again)}")  # noqa: T201


async def test_a_batch_is_ended_by_the_version_that_began_it_while_another_takes_over(
    flock: Flock, own_brokers: str, trained: Any
) -> None:
    count = 5 * ROWS
    table = np.random.default_rng(3).normal(size=(count, 2))
    name = await flock.ask(parquet_bytes({"a": table[:, 0].tolist(), "b": table[:, 1].tolist()}))
    await eventually(lambda: _reached(flock, name, 1), within=60)
    other = trained(2)
    artifacts = ArtifactStore(f"file://{flock.home}/artifacts")
    state = await version_state(artifacts, version=2, model=other.model, signature=other.signature, probe=other.probe)
    await publish(own_brokers, promoted(state, alias_revision=2))
    await eventually(lambda: _serves(flock, 2), within=90)
    done = await flock.chunks_done(name)
    batch = await flock.completed(name)
    assert done < count // CHUNK - 5, "the other version came in its midst"
    assert (batch["version"], batch["rows_done"], batch["failed_rows"]) == (1, count, 0)
    outputs = await flock.output(name)
    assert np.abs(outputs - _predicted(trained(1).model, table)).max() < 1e-6
    assert np.abs(outputs - _predicted(other.model, table)).max() > 1e-3
    await eventually(lambda: _is_alone(flock), within=60)
    print(f"another version after {done} of {count // CHUNK} chunks")  # noqa: T201  the measured figure


def _predicted(model: bytes, table: np.ndarray) -> np.ndarray:
    import xgboost

    found = xgboost.Booster(model_file=bytearray(model))
    predicted: np.ndarray = found.predict(xgboost.DMatrix(table, feature_names=["a", "b"]))
    return predicted


async def _is_alone(flock: Flock) -> bool:
    deployment = await flock.get("/deployments/credit")
    return [replica["version"] for replica in deployment["replicas"]] == [2]


def _requests(name: str) -> dict[str, int]:
    """Id of each request -> its rows."""
    return {f"{name}/{chunk:06d}/{part:03d}": 250 for chunk in range(ROWS // CHUNK) for part in range(CHUNK // 250)}


def _around(killed_at: list[int]) -> set[int]:
    """The chunk under way when a deployer was killed: it may have been recorded just before that."""
    return {chunk for chunks in killed_at for chunk in (chunks - 1, chunks, chunks + 1)}


async def _reached(flock: Flock, name: str, chunks: int) -> bool:
    return await flock.chunks_done(name) >= chunks


async def _told(brokers: str, *names: str) -> tuple[list[BatchCompleted], dict[str, Counter[str]]]:
    """The batches' ends, and the rows of their requests in the prediction log, once all of them are there."""
    completed: list[BatchCompleted] = []
    rows: dict[str, Counter[str]] = {name: Counter() for name in names}
    async with heard(brokers, *TOPICS) as consumer, asyncio.timeout(60):
        while not (len(completed) == len(names) and all(len(rows[name]) == ROWS // 250 for name in names)):
            record = await consumer.getone()
            event = from_record(record.topic, record.value, record.headers).event
            if isinstance(event, BatchCompleted):
                completed.append(event)
            elif isinstance(event, PredictionLogged):
                assert all(event.in_batches) == bool(event.in_batches)
                for request in event.request_ids:
                    rows[request.split("/")[0]][request] += 1
    return completed, rows
