"""What only the MongoDB store has: replicas beside each other, a network that breaks, and transactions left open."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from counting import COUNTERS, Counter
from mongo_tools import INDEXES, CutWire, envelope, replicas, write
from pymongo.operations import ReplaceOne

from murmur_kernel.documents import Document, Query
from murmur_kernel.errors import Conflict, Duplicate, StoreUnavailable, Unacceptable
from murmur_kernel.store import ChangeSet, DocumentWrite, MongoStore, Parked, RawRecord, Store, open_store
from murmur_kernel.store.mongo_engine import Contended
from murmur_kernel.store.mongo_records import HEAD
from murmur_kernel.testing import eventually, opened_store
from murmur_runtime.testing_mongodb import running_mongodb


@pytest.fixture
async def pair(mongodb: str) -> AsyncIterator[Sequence[MongoStore]]:
    async with replicas(mongodb, 2) as stores:
        yield stores


@pytest.mark.parametrize("unanswered", [1, 6])
async def test_a_commit_that_is_never_answered_happens_once(mongodb: str, unanswered: int) -> None:
    """It has no mark and expects no version: only the receipt tells that it has happened."""
    async with CutWire(mongodb).running() as wire, replicas(wire.uri, 1) as (store,):
        wire.cut = unanswered
        await store.commit(ChangeSet(documents=[write("a", None)], envelopes=[envelope("e")]))
        assert wire.cut == 0
        found = await store.get("counter", "a")
        assert found is not None
        assert found.version == 1
        assert [(row.position, row.envelope.sequence) for row in await store.outbox(10)] == [(2, 1)]


async def test_positions_become_visible_in_their_order_whoever_commits(pair: Sequence[MongoStore]) -> None:
    """A relay that has sent position n never sees a lower one afterwards."""
    seen: list[int] = []
    late: list[int] = []
    done = asyncio.Event()

    async def watch() -> None:
        while not done.is_set():
            rows = [row.position for row in await pair[0].outbox(1000)]
            late.extend(position for position in rows if seen and position < seen[-1] and position not in set(seen))
            seen.extend(position for position in rows if not seen or position > seen[-1])

    async def commit(store: MongoStore, replica: int) -> None:
        async def one(lane: int) -> None:
            for number in range(4):
                name = f"{replica}-{lane}-{number}"
                await store.commit(ChangeSet(mark=name, envelopes=[envelope(f"{name}-{i}", "k") for i in range(2)]))

        await asyncio.gather(*(one(lane) for lane in range(5)))

    watching = asyncio.create_task(watch())
    await asyncio.gather(commit(pair[0], 0), commit(pair[1], 1))
    done.set()
    await watching
    assert late == []
    rows = await pair[1].outbox(1000)
    assert [row.position for row in rows] == list(range(1, 81))
    assert [row.envelope.sequence for row in rows] == list(range(1, 81))


async def test_of_two_replicas_that_do_the_same_at_once_one_is_refused(pair: Sequence[MongoStore]) -> None:
    def all_at_once(change: ChangeSet) -> asyncio.Future[list[object]]:
        return asyncio.gather(*(store.commit(change) for store in (*pair, *pair)), return_exceptions=True)

    marked = await all_at_once(ChangeSet(mark="m", envelopes=[envelope("e")]))
    saved = await all_at_once(ChangeSet(documents=[write("a")]))
    assert [type(outcome) for outcome in marked if outcome] == [Duplicate] * 3
    assert [type(outcome) for outcome in saved if outcome] == [Conflict] * 3
    assert len(await pair[0].outbox(10)) == 1


async def test_a_transaction_that_a_dead_replica_left_open_is_undone(pair: Sequence[MongoStore]) -> None:
    """The server itself would hold what it locks for a minute."""
    await asyncio.gather(*(store.commit(ChangeSet(envelopes=[envelope(str(n))])) for n, store in enumerate(pair)))
    dead, alive = pair
    session = dead._committer._session
    async with dead.engine.transaction(session) as transaction:
        (head,) = await transaction.find(HEAD[0], {"_id": HEAD[1]})
        await transaction.write(HEAD[0], [ReplaceOne({"_id": HEAD[1]}, {**head, "value": head["value"] + 1})])
        async with asyncio.timeout(10):
            await alive.commit(ChangeSet(envelopes=[envelope("late")]))
        with pytest.raises(Contended):
            await transaction.commit()
    assert [row.envelope.id for row in await alive.outbox(10)][2:] == ["late"]


async def test_a_record_parked_while_its_document_is_saved_elsewhere_is_released(pair: Sequence[MongoStore]) -> None:
    raw = RawRecord(topic="training.requested", partition=0, offset=0, key="credit", value=b"", headers=())
    deadline = envelope("e").time
    for number in range(10):
        parked = Parked(id=f"p{number}", record=raw, awaits=f"counter/{number}", deadline=deadline)
        await asyncio.gather(
            pair[0].commit(ChangeSet(parked=parked)), pair[1].commit(ChangeSet(documents=[write(str(number))]))
        )
    assert len(await pair[0].parked(ready=True)) == 10


async def test_what_the_server_will_never_keep_takes_nothing_of_its_group_with_it(mongodb: str) -> None:
    large = DocumentWrite(kind="counter", id="large", body="x" * 17 * 2**20, fields={}, expected=0)
    async with replicas(mongodb, 1) as (store,):
        outcomes = await asyncio.gather(
            store.commit(ChangeSet(documents=[write("a")])),
            store.commit(ChangeSet(documents=[large])),
            store.commit(ChangeSet(documents=[write("b")])),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), Unacceptable, type(None)]
        assert len((await store.find("counter", Query())).items) == 2


async def test_pages_are_those_of_the_other_stores(mongodb: str) -> None:
    chance = random.Random(7)
    counters = [Counter(f"c{n}", chance.randrange(4), chance.choice([None, "g", "h", "ä"])) for n in range(30)]
    wheres: list[dict[str, str | float | None]] = [{}, {"group": None}, {"group": "g"}, {"value": 1.0, "group": "h"}]
    queries = [
        Query(where=where, order_by=order_by, descending=descending, limit=3)
        for where in wheres
        for order_by in (None, "value", "group")
        for descending in (False, True)
    ]
    answers: list[list[list[Document]]] = []
    for name in ("memory", "sqlite", mongodb):
        async with opened_store(name, [COUNTERS]) as store:
            saves = [replace(write(one.name), body=COUNTERS.dump(one), fields=COUNTERS.fields(one)) for one in counters]
            await store.commit(ChangeSet(documents=saves))
            answers.append([await _all_pages(store, query) for query in queries])
    assert answers[0] == answers[1]
    assert answers[0] == answers[2]


async def _all_pages(store: Store, query: Query) -> list[Document]:
    found: list[Document] = []
    while True:
        page = await store.find("counter", query)
        found += page.items
        if page.next is None:
            return found
        query = replace(query, cursor=page.next)


async def test_a_server_that_dies_is_unavailable_and_what_it_acknowledged_is_there_when_it_comes_back(
    tmp_path: Path,
) -> None:
    quick = "&serverSelectionTimeoutMS=300&connectTimeoutMS=300"
    with running_mongodb(tmp_path) as server:
        store = MongoStore(server.uri + quick, "survivor")
        await store.open(INDEXES)
        await store.commit(ChangeSet(mark="m", documents=[write("a")], envelopes=[envelope("e")]))
        server.process.kill()
        server.process.wait()
        async with asyncio.timeout(20):
            with pytest.raises(StoreUnavailable, match="survivor"):
                await store.commit(ChangeSet(documents=[write("b")]))
            with pytest.raises(StoreUnavailable, match="survivor"):
                await store.handled("m")
        await store.close()
    with running_mongodb(tmp_path) as server:
        again = MongoStore(server.uri, "survivor")
        await again.open(INDEXES)
        assert await again.handled("m")
        assert len(await again.outbox(10)) == 1
        await again.close()


async def test_a_server_that_is_not_there_is_told_within_the_time_of_the_uri() -> None:
    store = MongoStore("mongodb://127.0.0.1:1/?replicaSet=rs&serverSelectionTimeoutMS=200", "x")
    async with asyncio.timeout(5):
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1/x does not answer"):
            await store.open({})


async def test_a_replica_that_is_busy_does_not_starve_the_other(pair: Sequence[MongoStore]) -> None:
    stop = asyncio.Event()

    async def flood() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            await asyncio.gather(*(pair[0].commit(ChangeSet(envelopes=[envelope(f"{number}-{i}")])) for i in range(8)))

    flooding = asyncio.create_task(flood())
    await eventually(lambda: pair[0].outbox_depth())
    for number in range(3):
        async with asyncio.timeout(10):
            await pair[1].commit(ChangeSet(envelopes=[envelope(f"other-{number}")]))
    stop.set()
    await flooding


def test_a_uri_without_a_database_means_that_of_the_service() -> None:
    for uri, database in (
        ("mongodb://a,b/?replicaSet=rs", "murmur_trainer"),
        ("mongodb://a/mine?replicaSet=rs", "mine"),
    ):
        store = open_store(uri, "trainer")
        assert isinstance(store, MongoStore)
        assert store.engine.database == database


def test_a_uri_that_cannot_be_read_is_refused_without_its_password() -> None:
    with pytest.raises(ValueError, match="cannot be read") as refused:
        open_store("mongodb://me:secret@host:port", "trainer")
    assert "secret" not in str(refused.value)
