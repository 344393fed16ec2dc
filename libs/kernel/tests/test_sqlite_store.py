"""What only the SQLite store has: a file that outlives the process, and groups that share a disk flush."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from counting import COUNTERS, Counter

from murmur_kernel.documents import Query
from murmur_kernel.errors import Conflict, StoreUnavailable
from murmur_kernel.store import ChangeSet, DocumentWrite, LetterQuery, RawRecord, SqliteStore, open_store
from murmur_kernel.store.codec import dump_record
from murmur_kernel.store.sqlite_bulk import BulkEngine

INDEXES = {COUNTERS.name: COUNTERS.indexes}


def write(name: str, expected: int | None = 0) -> DocumentWrite:
    counter = Counter(name)
    return DocumentWrite(
        kind="counter", id=name, body=COUNTERS.dump(counter), fields=COUNTERS.fields(counter), expected=expected
    )


async def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    first = SqliteStore(str(tmp_path / "s.db"))
    await first.open(INDEXES)
    await first.commit(ChangeSet(mark="m", documents=[write("a")]))
    await first.close()
    second = SqliteStore(str(tmp_path / "s.db"))
    await second.open(INDEXES)
    assert await second.handled("m")
    assert await second.get("counter", "a") is not None
    await second.close()


async def test_a_change_that_fails_takes_nothing_of_its_group_with_it(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "s.db"))
    await store.open(INDEXES)
    names = [f"c{n}" for n in range(50)]
    changes = [store.commit(ChangeSet(documents=[write(name)])) for name in [*names, *names]]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert results[:50] == [None] * 50
    assert all(isinstance(result, Conflict) for result in results[50:])
    assert len((await store.find("counter", Query(limit=100))).items) == 50
    await store.close()


async def test_queries_use_the_declared_index(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "s.db"))
    await store.open(INDEXES)
    await store.close()
    connection = sqlite3.connect(tmp_path / "s.db")
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT id FROM documents WHERE kind = 'counter' AND json_extract(fields, '$.value') IS 1"
    ).fetchall()
    connection.close()
    assert "documents_counter_value" in str(plan)


async def test_a_store_of_a_newer_release_is_refused_by_name(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "s.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreUnavailable, match="has schema 99"):
        await SqliteStore(str(tmp_path / "s.db")).open(INDEXES)


async def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot open the store"):
        await SqliteStore(str(tmp_path / "file" / "s.db")).open(INDEXES)


def test_a_url_that_names_no_store_is_refused() -> None:
    with pytest.raises(ValueError, match="postgres"):
        open_store("postgres://here", "trainer")


async def test_a_store_of_the_first_schema_is_brought_up_to_date_with_all_that_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    record = RawRecord(topic="run.started", partition=1, offset=7, key="r", value=b"\xff", headers=())
    with closing(sqlite3.connect(path)) as old:
        script = files("murmur_kernel.store").joinpath("schema.sql").read_text()
        old.executescript(f"{script} PRAGMA user_version = 1;")
        old.execute("INSERT INTO inbox VALUES ('m')")
        letter = ("d", dump_record(record), "Expired", "because", "2026-01-01T00:00:00+00:00")
        old.execute("INSERT INTO dead_letters VALUES (?, ?, ?, ?, ?)", letter)
        old.commit()
    store = SqliteStore(str(path))
    await store.open(INDEXES)
    found = await store.letters(LetterQuery(topic="run.started", order="place"))
    assert [(one.id, one.record, one.edits) for one in found.items] == [("d", record, ())]
    assert await store.handled("m")
    assert await store.forget_marks(datetime(2100, 1, 1, tzinfo=UTC), 10) == 0, "nobody knows when it was made"
    await store.close()


async def test_in_bulk_it_is_on_the_disk_when_it_is_closed_and_not_after_each_commit(tmp_path: Path) -> None:
    def others_see() -> int:
        with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM documents").fetchall()
            return int(count)

    store = SqliteStore(str(tmp_path / "s.db"), bulk=True)
    await store.open(INDEXES)
    for number in range(1_001):
        await store.commit(ChangeSet(documents=[write(f"c{number}")]))
    assert others_see() == 1_000
    await store.close()
    assert others_see() == 1_001
    assert not (tmp_path / "s.db-wal").exists()


async def test_in_bulk_nothing_is_taken_after_an_error_that_may_have_undone_what_was_answered(tmp_path: Path) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")  # as SQLite itself does where the disk is full
        connection.execute("INSERT INTO nowhere VALUES (1)")

    engine = BulkEngine(str(tmp_path / "s.db"), ("CREATE TABLE numbers (n)",))
    await engine.open()
    await engine.write(lambda connection: connection.execute("INSERT INTO numbers VALUES (1)"))
    with pytest.raises(StoreUnavailable, match="nowhere"):
        await engine.write(fails)
    with pytest.raises(StoreUnavailable, match="nowhere"):
        await engine.write(lambda connection: connection.execute("INSERT INTO numbers VALUES (2)"))
    await engine.close()
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
