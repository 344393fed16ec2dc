"""A flock of the real services whose trainings, validations and rollouts do nothing, and who hears what it says."""

import asyncio
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from noop_service import SERVICES as NOOP

from murmur_events import Envelope, Event, Record, to_record, topic_of
from murmur_events.catalog import SERVICES
from murmur_events.training import TrainingRequested, Trigger
from murmur_runtime import flock
from murmur_runtime.home import Home
from murmur_runtime.living import find
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members, service
from murmur_runtime.settings import FlockSettings

_HERE = Path(__file__).parent
_DEFINITION = _HERE / "workflow"


class Heard:
    """When events arrived here from Kafka, by their correlation id (seconds, perf_counter).

    ends: topics whose event ends a chain; others are heard for `stages` only
    """

    def __init__(self, brokers: str, *, ends: Collection[str], others: Collection[str] = ()) -> None:
        self._consumer = AIOKafkaConsumer(
            *ends, *others, bootstrap_servers=brokers, auto_offset_reset="earliest", fetch_max_wait_ms=50
        )
        self._ends = ends
        self._at: dict[str, float] = {}
        self._topics: dict[str, dict[str, float]] = defaultdict(dict)
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Heard"]:
        await self._consumer.start()
        task = asyncio.create_task(self._listen())
        try:
            yield self
        finally:
            task.cancel()
            await self._consumer.stop()

    async def all_of(self, correlations: Iterable[str], *, within: float = 120) -> list[float]:
        """Raises TimeoutError."""
        wanted = list(correlations)
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: all(one in self._at for one in wanted))
        return [self._at[one] for one in wanted]

    def stages(self, correlations: Iterable[str]) -> dict[str, list[float]]:
        """Milliseconds from one event of a chain to the next, by `earlier -> later`."""
        found: dict[str, list[float]] = defaultdict(list)
        for correlation in correlations:
            in_order = sorted(self._topics[correlation].items(), key=lambda item: item[1])
            for (earlier, at), (later, then) in pairwise(in_order):
                found[f"{earlier} -> {later}"].append((then - at) * 1000)
        return found

    async def _listen(self) -> None:
        while True:
            batches = await self._consumer.getmany(timeout_ms=1000)
            now = time.perf_counter()
            for messages in batches.values():
                for message in messages:
                    correlation = dict(message.headers)["ce_correlationid"].decode()
                    self._topics[correlation].setdefault(message.topic, now)
                    if message.topic in self._ends:
                        self._at.setdefault(correlation, now)
            async with self._news:
                self._news.notify_all()


class NoopFlock:
    """Spoken to as by people and other systems: REST through the front door, and Kafka."""

    def __init__(self, settings: FlockSettings, http: httpx.AsyncClient, producer: AIOKafkaProducer) -> None:
        self.settings = settings
        self._http = http
        self._producer = producer

    async def apply(self, name: str) -> None:
        definition = (_DEFINITION / "workflow.yaml").read_text().replace("name: nothing", f"name: {name}")
        files = {file: (_DEFINITION / file).read_text() for file in ("data.py", "train.py")}
        answer = await self._http.put(f"/trainer/v1/workflows/{name}", json={"definition": definition, "files": files})
        answer.raise_for_status()

    async def trigger(self, name: str) -> str:
        """By REST, as `murmur trigger` does; the correlation id of the chain."""
        answer = await self._http.post(f"/trainer/v1/workflows/{name}/trainings", json={"kind": "manual"})
        answer.raise_for_status()
        return str(answer.json()["correlation_id"])

    async def ask(self, name: str) -> str:
        """By publishing training.requested, as another system would; the correlation id of the chain."""
        record, correlation = request(name)
        await self.publish([record])
        return correlation

    async def publish(self, records: Iterable[Record]) -> None:
        sent = [
            await self._producer.send(record.topic, key=record.key, value=record.value, headers=[*record.headers])
            for record in records
        ]
        await asyncio.gather(*sent)

    async def handled(self, name: str, topic: str) -> float:
        """How many events of a topic a service has handled, by its own metrics."""
        answer = await self._http.get(f"http://127.0.0.1:{self.settings.ports.service(name)}/metrics")
        mine = f'murmur_events_handled_total{{outcome="ack",topic="{topic}"}} '
        return sum(float(line.removeprefix(mine)) for line in answer.text.splitlines() if line.startswith(mine))

    def cpu_seconds(self) -> dict[str, float]:
        """Of each process so far, user and system."""
        home = Home(self.settings.home)
        found = {name: find(home, name) for name in ("kafka", "envoy", *SERVICES)}
        times = {name: process.cpu_times() for name, process in found.items() if process}
        return {"bench": sum(psutil.Process().cpu_times()[:2])} | {
            name: spent.user + spent.system for name, spent in times.items()
        }


@asynccontextmanager
async def noop_flock(**environment: str) -> AsyncIterator[NoopFlock]:
    """Broker, front door and the six services, with the settings of `murmur up`; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="murmur-bench-") as home:
        settings = FlockSettings(home=Path(home), port=free_front_door())
        members = Members(services=tuple(_service(settings, name, environment) for name in SERVICES))
        producer = AIOKafkaProducer(bootstrap_servers=settings.brokers, linger_ms=0)
        try:
            await flock.up(settings, members=members, within=300)
            await producer.start()
            async with httpx.AsyncClient(base_url=settings.front_door, timeout=60, trust_env=False) as http:
                yield NoopFlock(settings, http, producer)
        finally:
            await producer.stop()
            await flock.down(settings)


def _service(settings: FlockSettings, name: str, environment: dict[str, str]) -> flock.ProcessSpec:
    noop = (sys.executable, str(_HERE / "noop_service.py"), name)
    spec = service(settings, name, noop if name in NOOP else (sys.executable, "-m", f"murmur_{name}"))
    return spec.model_copy(update={"environment": spec.environment | environment})


def request(workflow: str) -> tuple[Record, str]:
    """A client's training.requested, and the correlation id that it gives it."""
    correlation = str(uuid.uuid4())
    trigger = Trigger(kind="manual", key=correlation)
    event = TrainingRequested(workflow=workflow, trigger=trigger, as_of=datetime.now(UTC))
    return record_of(event, correlation), correlation


def record_of(event: Event, correlation: str) -> Record:
    topic = topic_of(event)
    return to_record(
        Envelope(
            id=str(uuid.uuid4()),
            source="bench",
            topic=topic.name,
            key=topic.key_of(event),
            time=datetime.now(UTC),
            sequence=1,
            correlation_id=correlation,
            causation_id=None,
            event=event,
        )
    )
