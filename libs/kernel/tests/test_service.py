"""A whole service over the fake store and broker: its web application, health, and the way it ends."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork, requested
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ValidationError

from murmur_events import LARGEST_RECORD, Record, from_record, to_record
from murmur_events.training import TrainingRequested
from murmur_kernel.auth import Role, allows
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.consuming import react
from murmur_kernel.service import Service
from murmur_kernel.settings import KernelSettings
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import Harness, eventually


class Answer(BaseModel):
    value: int


async def count(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
    uow.counters.save(Counter(event.workflow, 1))


async def add(amount: int, uow: CounterUnitOfWork) -> Answer:
    counter = await uow.counters.get("total") or Counter("total")
    uow.counters.save(Counter("total", counter.value + amount))
    return Answer(value=counter.value + amount)


async def say(length: int, uow: CounterUnitOfWork) -> Answer:
    uow.publish(requested(reason="x" * length))
    return Answer(value=length)


async def show(name: str, uow: CounterUnitOfWork) -> Answer:
    return Answer(value=(await uow.counters.require(name)).value)


Backgrounds = dict[str, Callable[[], Awaitable[None]]]


def build(
    broker: MemoryBroker, home: Path, backgrounds: Backgrounds | None = None
) -> tuple[Service[CounterUnitOfWork], FastAPI]:
    settings = KernelSettings(home=home, brokers="127.0.0.1:1")
    service = Service(
        "trainer",
        settings,
        unit_of_work=CounterUnitOfWork,
        kinds=(COUNTERS,),
        subscriptions=(react(TrainingRequested, count),),
        store=MemoryStore(),
        sink=MemorySink(broker),
        source=MemorySource(broker, "g", ["training.requested"], wait=0.01),
    )
    for name, run in (backgrounds or {}).items():
        service.background(name, run)
    api = APIRouter(prefix="/v1")

    @api.post("/total", dependencies=[allows(Role.AUTHOR)])
    async def post_total(amount: int) -> Answer:
        return await service.change(add, amount, answer=Answer)

    @api.post("/said", dependencies=[allows(Role.AUTHOR)])
    async def post_said(length: int) -> Answer:
        return await service.change(say, length, answer=Answer)

    @api.get("/counters/{name}", dependencies=[allows(Role.VIEWER)])
    async def get_counter(name: str) -> Answer:
        return await service.read(show, name)

    return service, service.app(title="Counters", routers=[api])


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
async def client(broker: MemoryBroker, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    service, app = build(broker, tmp_path)
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


async def test_an_event_that_arrives_is_handled(client: httpx.AsyncClient, broker: MemoryBroker) -> None:
    await MemorySink(broker).send([to_record_of("credit")])

    async def seen() -> bool:
        return (await client.get("/v1/counters/credit")).status_code == 200

    await eventually(seen)


def to_record_of(workflow: str) -> Record:
    harness: Harness[CounterUnitOfWork] = Harness(CounterUnitOfWork, kinds=())
    raw = harness.record_of(requested(workflow))
    return to_record(from_record(raw.topic, raw.value, raw.headers))


async def test_what_is_missing_is_a_404_problem_that_names_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/counters/nobody")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "'nobody'" in answer.json()["detail"]


async def test_a_malformed_call_is_a_422_problem_that_names_the_value(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/total", params={"amount": "many"})
    assert answer.status_code == 422
    assert "'many'" in answer.json()["detail"]


async def test_a_call_whose_event_no_broker_would_take_is_a_413_problem(
    client: httpx.AsyncClient, broker: MemoryBroker
) -> None:
    answer = await client.post("/v1/said", params={"length": LARGEST_RECORD})
    assert answer.status_code == 413
    assert "put what is large into an artifact" in answer.json()["detail"]
    assert (await client.post("/v1/said", params={"length": 3})).status_code == 200
    await eventually(lambda: len(broker.records("training.requested")) == 1)


async def test_a_call_repeated_under_its_key_is_done_once(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        answer = await client.post("/v1/total", params={"amount": 5}, headers={"Idempotency-Key": "k"})
        assert answer.json() == {"value": 5}
    other = await client.post("/v1/total", params={"amount": 5})
    assert other.json() == {"value": 10}


async def test_readiness_says_what_is_wrong(client: httpx.AsyncClient) -> None:
    async def told() -> bool:
        return "does not answer" in (await client.get("/readyz")).json()["checks"]["broker"]["detail"]

    await eventually(told)
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["store"]["ok"]
    assert (await client.get("/livez")).status_code == 200


async def test_metrics_are_in_the_format_of_prometheus(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert "murmur_outbox_depth" in answer.text


async def test_a_dead_letter_is_listed_and_redriven(client: httpx.AsyncClient, broker: MemoryBroker) -> None:
    record = to_record_of("credit")
    await MemorySink(broker).send([record._replace(value=b"{}")])

    async def listed() -> list[dict[str, str]]:
        items: list[dict[str, str]] = (await client.get("/v1/dead-letters")).json()["items"]
        return items

    (letter,) = await eventually(listed)
    assert "workflow" in letter["reason"]
    await eventually(lambda: broker.records("trainer.dead-letters"))
    assert (await client.post(f"/v1/dead-letters/{letter['id']}/redrive", json={"by": "olga"})).status_code == 202
    await eventually(listed)
    why = {"by": "olga", "reason": "known"}
    discarded = await client.post(f"/v1/dead-letters/{letter['id']}/discard", json=why)
    assert discarded.status_code == 200
    assert await listed() == []
    assert (await client.post("/v1/dead-letters/none/redrive", json={"by": "olga"})).status_code == 404


async def test_a_service_whose_task_dies_is_not_alive_and_ends(broker: MemoryBroker, tmp_path: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    async def dies() -> None:
        raise RuntimeError("broken")

    service, app = build(broker, tmp_path, {"reconciler": dies})
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        async with asyncio.timeout(5):
            await ended.wait()
        answer = await client.get("/livez")
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
    assert answer.status_code == 503
    assert "reconciler" in answer.json()["detail"]


def test_a_listener_that_leaves_the_machine_is_refused_while_nobody_is_asked_for_a_token() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.7", "flock.example.org"):
        with pytest.raises(ValidationError, match="MURMUR_AUTH=tokens"):
            KernelSettings(host=host)
        assert KernelSettings(host=host, auth="tokens").host == host
    for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        assert KernelSettings(host=host).auth == "off"
