"""What the load test is made of: a front door, a deployer and its model servers, clients that never ask twice, and the
prediction log as Kafka has it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import psutil
from aiokafka import AIOKafkaConsumer
from on_kafka import publish

from murmur_deployer.testing import promoted, version_state
from murmur_events import Event, from_record
from murmur_events.models import VersionState
from murmur_events.values import ColumnSpec, Signature
from murmur_kernel.artifacts import ArtifactStore
from murmur_runtime import envoy
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings
from murmur_runtime.testing import eventually

CONNECTIONS = 16
FACTS = ("canary.started", "canary.judged", "model.deployed", "deployment.failed", "deployment.rolled_back")


async def version(artifacts: ArtifactStore, number: int, *, worse: bool = False) -> VersionState:
    """A real model of two columns. A worse one says yes to nearly everybody; others hardly differ."""
    import xgboost

    draw = np.random.default_rng(1)
    rows = draw.normal(size=(400, 2))
    labels = (rows[:, 0] > (-2.5 if worse else 0)).astype(int)
    data = xgboost.DMatrix(rows, label=labels, feature_names=["a", "b"])
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, "seed": number}, data, 20 + number)
    asked = rows[:3]
    request = {"inputs": [{"name": "x", "shape": [3, 2], "datatype": "FP64", "data": asked.ravel().tolist()}]}
    outputs = booster.predict(xgboost.DMatrix(asked, feature_names=["a", "b"])).tolist()
    return await version_state(
        artifacts,
        version=number,
        model=bytes(booster.save_raw("ubj")),
        signature=Signature(inputs=(ColumnSpec(name="a"), ColumnSpec(name="b"))),
        probe={"request": request, "outputs": outputs},
    )


@dataclass
class Clients:
    """Each asks with an id of its own, once: what is not answered with 200 has failed."""

    port: int
    answered: Counter[str] = field(default_factory=Counter)
    ids: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    async def capacity(self, seconds: float) -> float:
        """Requests a second when every connection asks again as soon as it is answered."""
        loop = asyncio.get_running_loop()
        before, end = len(self.ids), loop.time() + seconds
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CONNECTIONS):
                tasks.create_task(self._connection(lambda: 0.0 if loop.time() < end else None))
        return (len(self.ids) - before) / seconds

    @asynccontextmanager
    async def asking(self, rate: float) -> AsyncIterator[None]:
        """So many requests a second at fixed times, whatever becomes of them; those that are late are asked at once."""
        loop = asyncio.get_running_loop()
        began, turns, ended = loop.time(), count(), asyncio.Event()

        def next_turn() -> float | None:
            return None if ended.is_set() else began + next(turns) / rate - loop.time()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(CONNECTIONS):
                tasks.create_task(self._connection(next_turn))
            try:
                yield
            finally:
                ended.set()

    async def _connection(self, next_turn: Any) -> None:
        loop, draw = asyncio.get_running_loop(), np.random.default_rng(next(self._numbers))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while (wait := next_turn()) is not None:
            if wait > 0:
                await asyncio.sleep(wait)
            name, asked = f"r-{next(self._numbers)}", loop.time()
            try:
                status, body = await _ask(reader, writer, name, draw.normal(size=2).tolist())
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failed.append(f"{name}: {error!r}")
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                continue
            if status != 200:
                self.failed.append(f"{name}: {status} {body[:200]!r}")
                continue
            self.ids.add(name)
            self.answered[orjson.loads(body)["model_version"]] += 1
            self.milliseconds.append((loop.time() - asked) * 1000)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, row: list[float]
) -> tuple[int, bytes]:
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": row}
    body = orjson.dumps({"id": name, "inputs": [tensor]})
    head = (
        "POST /v2/models/credit/infer HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


@dataclass
class Arena:
    """One Envoy, one broker and one deployer as processes; the test plays the registry and the trainer."""

    settings: FlockSettings
    brokers: str
    artifacts: ArtifactStore
    http: httpx.AsyncClient
    facts: list[Event] = field(default_factory=list)
    killed: int = 0

    async def say(self, event: Event) -> None:
        await publish(self.brokers, event)

    async def promote(self, state: VersionState, *, alias_revision: int) -> None:
        await self.say(promoted(state, alias_revision=alias_revision))

    async def until(self, kind: type[Event], *, within: float = 120, **fields: object) -> Event:
        """The first fact of that kind with these fields, from the beginning."""

        def found() -> Event | None:
            return next(
                (
                    fact
                    for fact in self.facts
                    if isinstance(fact, kind) and all(getattr(fact, name) == value for name, value in fields.items())
                ),
                None,
            )

        fact = await eventually(found, within=within)
        assert fact is not None
        return fact

    async def replicas(self, role: str | None = None) -> list[dict[str, Any]]:
        answer = await self.http.get(
            f"http://127.0.0.1:{self.settings.ports.service('deployer')}/v1/deployments/credit"
        )
        answer.raise_for_status()
        return [each for each in answer.json()["replicas"] if role in (None, each["role"])]

    async def serve_with(self, number: int, *, within: float = 120) -> None:
        """Until so many replicas answer and nobody else is there."""

        async def so_many() -> bool:
            found = await self.replicas()
            return len(found) == number and all(each["proven"] for each in found)

        await eventually(so_many, within=within)

    async def _answers(self, replica: dict[str, Any]) -> bool:
        try:
            answer = await self.http.get(f"http://127.0.0.1:{replica['http_port']}/v2/models/credit/ready")
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    async def kill_again_and_again(self, every: float) -> None:
        """One of all replicas in turn, if all of its version answer: a slow machine may not have them back yet."""
        for turn in count():
            await asyncio.sleep(every)
            living = sorted((each for each in await self.replicas() if each["proven"]), key=lambda one: one["name"])
            chosen = living[turn % len(living)]
            beside = [each for each in living if each["version"] == chosen["version"]]
            if len(beside) > 1 and all([await self._answers(each) for each in beside]):
                with suppress(ProcessLookupError):
                    os.kill(chosen["pid"], signal.SIGKILL)
                    self.killed += 1

    async def hear(self) -> None:
        consumer = AIOKafkaConsumer(*FACTS, bootstrap_servers=self.brokers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            async for record in consumer:
                self.facts.append(from_record(record.topic, record.value, record.headers).event)
        finally:
            await consumer.stop()


@asynccontextmanager
async def arena(home: Path, brokers: str) -> AsyncIterator[Arena]:
    settings = FlockSettings(home=home, port=free_front_door())
    place = Home(settings.home)
    place.create()
    envoy.prepare(settings, place, [envoy.Upstream("console", settings.ports.service("console"), "/")])
    environment = os.environ | {
        "MURMUR_HOME": str(settings.home),
        "MURMUR_PORT": str(settings.port),
        "MURMUR_SERVICE_PORT": str(settings.ports.service("deployer")),
        "MURMUR_BROKERS": brokers,
        "MURMUR_ENVOY_ADMIN": settings.envoy_admin,
        "MURMUR_FLOCK": place.tag,
    }
    async with AsyncExitStack() as stack:
        stack.enter_context(_running(envoy.command(place), place.log("envoy"), environment))
        stack.enter_context(_running([sys.executable, "-m", "murmur_deployer"], place.log("deployer"), environment))
        stack.callback(_end_replicas, settings.home)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20, trust_env=False))
        built = Arena(settings, brokers, ArtifactStore(f"file://{settings.home}/artifacts"), http)
        listening = asyncio.create_task(built.hear())
        try:
            yield built
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


@contextmanager
def _running(command: list[str], log: Path, environment: dict[str, str]):  # type: ignore[no-untyped-def]
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _end_replicas(home: Path) -> None:
    for process in psutil.process_iter(["cmdline"]):
        if str(home / "replicas") in " ".join(process.info["cmdline"] or []):
            process.kill()


async def logged(brokers: str, wanted: set[str], *, within: float = 120) -> dict[str, list[str]]:
    """Where the prediction log has each request: the segments of its rows, those of an event that is there twice once.

    Returns when all that are wanted were found, or nothing more came for a while.
    """
    consumer = AIOKafkaConsumer("prediction.logged", bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    seen: set[str] = set()
    found: dict[str, list[str]] = defaultdict(list)
    missing = set(wanted)
    try:
        async with asyncio.timeout(within):
            while missing:
                record = await consumer.getone()
                envelope = from_record(record.topic, record.value, record.headers)
                if envelope.id in seen:
                    continue
                seen.add(envelope.id)
                for request_id in envelope.event.request_ids:  # type: ignore[attr-defined]
                    found[request_id].append(envelope.event.segment)  # type: ignore[attr-defined]
                missing -= found.keys()
    except TimeoutError:
        pass
    finally:
        await consumer.stop()
    return dict(found)
