"""Stores of an older release are brought up to date, once; those of a newer one are left alone."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from mongo_tools import INDEXES

from murmur_kernel.errors import StoreUnavailable
from murmur_kernel.store import MongoStore
from murmur_kernel.store.mongo_engine import MongoEngine
from murmur_kernel.store.mongo_schema import Migration, migrate
from murmur_kernel.store.sqlite_engine import SqliteEngine
from murmur_kernel.testing import ManualClock

OLD = ("CREATE TABLE things (name TEXT)",)
NEW = (*OLD, "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 1")


async def test_an_old_file_is_brought_up_to_date_with_what_is_in_it(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    old = SqliteEngine(path, OLD)
    await old.open()
    await old.write(lambda connection: connection.execute("INSERT INTO things VALUES ('a')") and None)
    await old.close()
    for _ in range(2):
        new = SqliteEngine(path, NEW)
        await new.open()
        assert await new.read(lambda connection: connection.execute("SELECT * FROM things").fetchall()) == [("a", 1)]
        await new.close()
    with pytest.raises(StoreUnavailable, match="has schema 2, this release knows 1: use the newer release"):
        await SqliteEngine(path, OLD).open()


async def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    broken = SqliteEngine(path, (*OLD, "CREATE TABLE more (name TEXT); INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(StoreUnavailable, match="nowhere"):
        await broken.open()
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert tables == ["things"]
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


@pytest.fixture
async def engines(mongodb: str, request: pytest.FixtureRequest) -> AsyncIterator[list[MongoEngine]]:
    engines = [MongoEngine(mongodb, f"test_{abs(hash(request.node.name))}_{id(request)}") for _ in range(3)]
    for engine in engines:
        await engine.connect()
    yield engines
    for engine in engines:
        await engine.close()


def steps(ran: list[int]) -> tuple[Migration, Migration]:
    """Two migrations that tell when they ran."""

    async def first(engine: MongoEngine) -> None:
        await engine.create(["things"])
        ran.append(1)

    async def second(engine: MongoEngine) -> None:
        await engine.update("things", {"_id": "a"}, {"$set": {"size": 1}}, upsert=True)
        ran.append(2)

    return first, second


async def test_replicas_that_start_together_migrate_once(engines: list[MongoEngine]) -> None:
    ran: list[int] = []
    first, second = steps(ran)
    await migrate(engines[0], ManualClock(), (first,))
    assert ran == [1]
    await asyncio.gather(*(migrate(engine, ManualClock(), (first, second)) for engine in engines))
    assert ran == [1, 2]
    with pytest.raises(StoreUnavailable, match="has schema 2, this release knows 1: use the newer release"):
        await migrate(engines[0], ManualClock(), (first,))


async def test_a_migration_whose_replica_was_killed_is_taken_over_when_its_lease_ends(
    engines: list[MongoEngine],
) -> None:
    ran: list[int] = []
    first, second = steps(ran)
    clock = ManualClock()

    async def killed(engine: MongoEngine) -> None:
        await first(engine)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await migrate(engines[0], clock, (killed, second))
    waiting = asyncio.create_task(migrate(engines[1], clock, (first, second)))
    await asyncio.wait([waiting], timeout=0.3)
    assert ran == [1]
    clock.advance(timedelta(minutes=1).total_seconds())
    await waiting
    assert ran == [1, 1, 2]


async def test_a_store_of_a_newer_release_is_refused_by_name(engines: list[MongoEngine], mongodb: str) -> None:
    await engines[0].update("schema", {"_id": "schema"}, {"$set": {"version": 99}}, upsert=True)
    store = MongoStore(mongodb, engines[0].database)
    with pytest.raises(StoreUnavailable, match="has schema 99"):
        await store.open(INDEXES)
    await store.close()
