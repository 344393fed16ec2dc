"""`murmur rebuild --swap`: history is made again, its search index too; what no event carries is carried over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contracts.examples import golden
from murmur_cli.main import app
from murmur_kernel import troubles
from murmur_kernel.store import ChangeSet, SqliteStore, Store
from murmur_kernel.troubles import TROUBLES
from murmur_kernel.unit_of_work import Origin, UnitOfWork
from murmur_ledger.batching import contents_of
from murmur_ledger.contents import Record
from murmur_ledger.writer import LedgerWriter
from murmur_search import RUNS
from murmur_search.paging import RunQuery
from murmur_tracking.search import INDEX, FindRuns

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TROUBLE = "unattended/dead-letters/run.started"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A flock's home whose ledger has heard nothing yet."""
    monkeypatch.setenv("MURMUR_HOME", str(tmp_path))
    monkeypatch.delenv("MURMUR_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    with LedgerWriter(tmp_path / "ledger", clock=lambda: NOON):
        pass
    return tmp_path


def murmur(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[Store]:
    store = SqliteStore(str(home / "stores" / "tracking.db"))
    await store.open({TROUBLES.name: TROUBLES.indexes})
    try:
        yield store
    finally:
        await store.close()


def tells(store: Store, step: str, **origin: str) -> UnitOfWork:
    return UnitOfWork(store, Origin(id=step, source="tracking", now=NOON, **origin))


async def lives(home: Path) -> None:
    """It told of a trouble, twice of another one, and answered a call; the last event is not sent yet."""
    async with opened(home) as store:
        for step in ("began", "ended", "began again"):
            unit = tells(store, step)
            if step == "ended":
                await troubles.end(unit, TROUBLE, "nothing of it is left")
            else:
                await troubles.begin(unit, TROUBLE, about="run.started", title="dead letters", detail="")
            await unit.commit()
        *_, last = await store.outbox(10)
        await store.published(last.position - 1)
        await store.commit(ChangeSet(mark="call/1", answer=("call/1", "42")))
        await store.commit(ChangeSet(mark="event/1"))


def test_troubles_are_no_difference(home: Path) -> None:
    asyncio.run(lives(home))
    assert murmur("rebuild", "tracking").exit_code == 0


def test_a_swap_keeps_what_only_the_old_store_knows(home: Path) -> None:
    async def looks() -> None:
        async with opened(home) as store:
            (waiting,) = await store.outbox(10)
            assert (waiting.envelope.key, waiting.envelope.sequence) == (TROUBLE, 3)
            unit = tells(store, "ended again")
            await troubles.end(unit, TROUBLE, "nothing of it is left")
            await unit.commit()
            _, ended = await store.outbox(10)
            assert ended.envelope.sequence == 4
            assert await store.answer("call/1") == "42"
            assert await store.handled("call/1")
            assert not await store.handled("event/1"), "it is in no ledger, so it was not replayed"

    asyncio.run(lives(home))
    done = murmur("rebuild", "tracking", "--swap")
    assert done.exit_code == 0, done.output
    asyncio.run(looks())


def test_a_client_s_run_is_made_again_and_found(home: Path) -> None:
    asyncio.run(lives(home))
    story = ("experiment.changed", "minimal"), ("run.started", "of_a_client"), ("run.failed", "minimal")
    told = [each for one in story for each in golden() if (each.topic, each.name) == one]
    records = [Record(each.topic, 0, 0, each.key.encode(), tuple(each.wire_headers), each.wire_value) for each in told]
    with LedgerWriter(home / "ledger", clock=lambda: NOON) as writer:
        writer.append(contents_of(records, writer.places, digested=(), at=NOON))
    done = murmur("rebuild", "tracking", "--swap")
    assert done.exit_code == 0, done.output

    async def found() -> tuple[str, ...]:
        store = SqliteStore(str(home / "stores" / "tracking.db"), INDEX.sqlite())
        await store.open({})
        try:
            query = RunQuery(experiments=(told[0].key,), orders=RUNS.complete(()))
            ids: tuple[str, ...] = (await store.ask(FindRuns(query))).ids
            return ids
        finally:
            await store.close()

    assert asyncio.run(found()) == (told[1].key,)


def test_a_store_that_cannot_be_read_is_not_exchanged(home: Path) -> None:
    old = home / "stores" / "tracking.db"
    old.parent.mkdir()
    old.write_bytes(b"no database " * 1000)
    done = murmur("rebuild", "tracking", "--swap")
    assert (done.exit_code, "cannot be read" in done.stderr) == (2, True), done.output
    assert old.read_bytes().startswith(b"no database")


def test_a_database_of_servers_is_not_exchanged_for_a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MURMUR_STORE", "mongodb://olga:secret@127.0.0.1:1/?replicaSet=rs0")
    done = murmur("rebuild", "tracking", "--swap")
    assert (done.exit_code, "in a database" in done.stderr) == (2, True), done.output
    assert "secret" not in done.output + done.stderr
    assert not (home / "stores").exists()
