"""Spans on their way to a collector, and what one that is away or hangs does to the service: nothing."""

import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from collector import Collector
from counting import COUNTERS, Counter, CounterUnitOfWork, requested
from fastapi import APIRouter
from pydantic import BaseModel, ValidationError

from murmur_access import Role
from murmur_events.training import TrainingRequested
from murmur_kernel.auth import allows
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.consuming import react
from murmur_kernel.service import Service
from murmur_kernel.settings import KernelSettings
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import eventually


class Asked(BaseModel):
    correlation_id: str


async def ask(workflow: str, uow: CounterUnitOfWork) -> Asked:
    return Asked(correlation_id=uow.publish(requested(workflow)).correlation_id)


async def count(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
    uow.counters.save(Counter(event.workflow, 1))


@asynccontextmanager
async def running(home: Path, endpoint: str) -> AsyncIterator[tuple[httpx.AsyncClient, Service[CounterUnitOfWork]]]:
    """A service that publishes what it is asked for, and hears it."""
    broker = MemoryBroker()
    service = Service(
        "trainer",
        KernelSettings(home=home, brokers="127.0.0.1:1", otlp_endpoint=endpoint),
        unit_of_work=CounterUnitOfWork,
        kinds=(COUNTERS,),
        subscriptions=(react(TrainingRequested, count),),
        store=MemoryStore(),
        sink=MemorySink(broker),
        source=MemorySource(broker, "g", ["training.requested"], wait=0.01),
    )
    api = APIRouter(prefix="/v1")

    @api.post("/ask/{workflow}", dependencies=[allows(Role.AUTHOR)])
    async def post(workflow: str) -> Asked:
        return await service.change(ask, workflow, answer=Asked)

    app = service.app(title="Asking", routers=[api])
    transport = httpx.ASGITransport(app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://trainer") as client:
        yield client, service


async def handled(service: Service[CounterUnitOfWork], workflow: str) -> bool:
    return await service.store.get("counter", workflow) is not None


async def test_a_call_its_event_and_the_handling_arrive_as_one_trace(tmp_path: Path) -> None:
    with Collector().running() as collector:
        async with running(tmp_path, collector.endpoint) as (client, service):
            await client.get("/livez")
            answer = await client.post("/v1/ask/credit")
            await eventually(lambda: handled(service, "credit"))
        spans = {span.name: span for span in collector.spans}
    names = ("POST /v1/ask/{workflow}", "publish training.requested", "process training.requested")
    assert set(spans) == set(names)
    call, publication, handling = (spans[name] for name in names)
    assert {span.service for span in spans.values()} == {"trainer"}
    assert {span.trace for span in spans.values()} == {call.trace}
    assert (publication.parent, handling.parent) == (call.id, publication.id)
    assert handling.attributes["murmur.correlation_id"] == answer.json()["correlation_id"]


@contextmanager
def hanging() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def refusing() -> Iterator[str]:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


Unwell = Callable[[], AbstractContextManager[str]]


@pytest.mark.parametrize("collector", [hanging, refusing])
async def test_a_collector_that_is_not_well_does_not_disturb_work(tmp_path: Path, collector: Unwell) -> None:
    with collector() as endpoint:
        async with running(tmp_path, endpoint) as (client, service):
            for number in range(200):
                assert (await client.post(f"/v1/ask/w{number}")).status_code == 200
            await eventually(lambda: handled(service, "w199"))
            assert (await client.get("/livez")).status_code == 200
            leaving = time.monotonic()
        assert time.monotonic() - leaving < 3
        await eventually(none_goes_on, within=4)


def none_goes_on() -> bool:
    """No thread of a service that has ended still tries to hand spans over."""
    return not any(thread.name.startswith("OtelBatch") for thread in threading.enumerate())


def test_an_endpoint_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValidationError, match="MURMUR_OTLP_ENDPOINT='collector:4318' is no http address"):
        KernelSettings(otlp_endpoint="collector:4318")
