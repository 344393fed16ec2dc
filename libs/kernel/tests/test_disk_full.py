"""A full disk: intake stops and says why, nothing acknowledged is lost, and with room everything goes on."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork, requested
from fastapi import APIRouter
from pydantic import BaseModel
from small_disks import SmallDisk, small_disk

from murmur_events import from_record, to_record
from murmur_events.training import TrainingRequested
from murmur_kernel import disk as disks
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.auth import Role, allows
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.consuming import react
from murmur_kernel.errors import NoSpace, StoreFull, StoreUnavailable
from murmur_kernel.service import Service
from murmur_kernel.settings import KernelSettings
from murmur_kernel.store import ChangeSet, DocumentWrite, SqliteStore
from murmur_kernel.testing import Harness, eventually


class Answer(BaseModel):
    value: int


async def count(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
    uow.counters.save(Counter(event.workflow, 1))


async def add(amount: int, uow: CounterUnitOfWork) -> Answer:
    counter = await uow.counters.get("total") or Counter("total")
    uow.counters.save(Counter("total", counter.value + amount))
    return Answer(value=counter.value + amount)


async def show(name: str, uow: CounterUnitOfWork) -> Answer:
    return Answer(value=(await uow.counters.require(name)).value)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", mebibytes=2 + disks.RESERVE // 2**20) as mounted:
        yield mounted


@dataclass(frozen=True)
class Running:
    """A service whose store is on the small disk."""

    client: httpx.AsyncClient
    broker: MemoryBroker

    async def value(self, name: str) -> int | None:
        answer = await self.client.get(f"/v1/counters/{name}")
        return int(answer.json()["value"]) if answer.status_code == 200 else None

    async def add(self, amount: int) -> httpx.Response:
        return await self.client.post("/v1/total", params={"amount": amount})

    async def ready(self) -> dict[str, object]:
        checks: dict[str, dict[str, object]] = (await self.client.get("/readyz")).json()["checks"]
        return checks["disk"]


@pytest.fixture
async def running(disk: SmallDisk) -> AsyncIterator[Running]:
    broker = MemoryBroker()
    service = Service(
        "trainer",
        KernelSettings(home=disk.path, brokers="127.0.0.1:1"),
        unit_of_work=CounterUnitOfWork,
        kinds=(COUNTERS,),
        subscriptions=(react(TrainingRequested, count),),
        sink=MemorySink(broker),
        source=MemorySource(broker, "g", ["training.requested"], wait=0.01),
    )
    api = APIRouter(prefix="/v1")

    @api.post("/total", dependencies=[allows(Role.OPERATOR)])
    async def post_total(amount: int) -> Answer:
        return await service.change(add, amount, answer=Answer)

    @api.get("/counters/{name}", dependencies=[allows(Role.VIEWER)])
    async def get_counter(name: str) -> Answer:
        return await service.read(show, name)

    transport = httpx.ASGITransport(app=service.app(title="Counters", routers=[api]))
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield Running(client, broker)


async def test_a_store_on_a_full_disk_keeps_what_it_acknowledged(disk: SmallDisk) -> None:
    store = SqliteStore(str(disk.path / "store.db"))
    await store.open({})
    acknowledged = await commit_until_refused(store)
    with pytest.raises(StoreUnavailable, match="make room"):
        await store.commit(change(acknowledged))
    await store.close()
    again = SqliteStore(str(disk.path / "store.db"))
    await again.open({})
    kept = [await again.handled(f"mark {number}") for number in range(acknowledged)]
    assert kept == [True] * acknowledged
    assert not await again.handled(f"mark {acknowledged}")
    await again.close()


async def commit_until_refused(store: SqliteStore) -> int:
    """How many were acknowledged."""
    for number in range(1000):
        try:
            await store.commit(change(number))
        except StoreFull:
            return number
    raise AssertionError("200 MB found room on a small disk")


def change(number: int) -> ChangeSet:
    write = DocumentWrite(kind="k", id=str(number), body="x" * 200_000, fields={}, expected=0)
    return ChangeSet(mark=f"mark {number}", documents=[write])


async def test_a_store_writes_again_once_there_is_room(disk: SmallDisk) -> None:
    store = SqliteStore(str(disk.path / "store.db"))
    await store.open({})
    disk.fill()
    await commit_until_refused(store)
    disk.make_room()
    await store.commit(change(1000))
    assert await store.handled("mark 1000")
    await store.close()


async def test_an_artifact_that_finds_no_room_leaves_nothing_behind(disk: SmallDisk) -> None:
    store = ArtifactStore(f"file://{disk.path}/artifacts")
    data = os.urandom(2**20)
    disk.fill()
    with pytest.raises(NoSpace, match="No space left"):
        await store.put_bytes(data)
    assert [path for path in (disk.path / "artifacts").rglob("*") if path.is_file()] == []
    disk.make_room()
    assert await store.read_bytes(await store.put_bytes(data)) == data


async def test_a_call_that_finds_no_room_is_a_507_that_names_the_disk(running: Running, disk: SmallDisk) -> None:
    assert (await running.add(1)).status_code == 200
    disk.fill()
    refused = await eventually(lambda: until_refused(running), within=30)
    assert refused.headers["content-type"] == "application/problem+json"
    assert "disk is full" in refused.json()["detail"]
    assert str(disk.path) in refused.json()["detail"]
    before = await running.value("total")
    disk.make_room()
    assert (await running.add(1)).json() == {"value": (before or 0) + 1}


async def until_refused(running: Running) -> httpx.Response | None:
    """The log of the store may have some room left of its own."""
    answer = await running.add(1)
    return answer if answer.status_code == 507 else None


async def test_readiness_tells_of_a_full_disk_and_of_room_again(running: Running, disk: SmallDisk) -> None:
    assert (await running.ready())["ok"]
    disk.fill()
    told = await running.ready()
    assert not told["ok"]
    assert str(disk.path) in str(told["detail"])
    disk.make_room()
    assert (await running.ready())["ok"]


async def test_an_event_that_finds_no_room_waits_and_is_no_dead_letter(running: Running, disk: SmallDisk) -> None:
    disk.fill()
    await eventually(lambda: until_refused(running), within=30)
    harness: Harness[CounterUnitOfWork] = Harness(CounterUnitOfWork, kinds=())
    raw = harness.record_of(requested("credit"))
    await MemorySink(running.broker).send([to_record(from_record(raw.topic, raw.value, raw.headers))])
    for _ in range(3):
        await running.add(1)
    assert await running.value("credit") is None
    disk.make_room()
    await eventually(lambda: running.value("credit"), within=30)
    letters = (await running.client.get("/v1/dead-letters")).json()["items"]
    assert letters == []
