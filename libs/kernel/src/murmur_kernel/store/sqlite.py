"""The embedded store: one SQLite file a service, for one replica."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from murmur_kernel.documents import Document, Page, Query
from murmur_kernel.store import cursor
from murmur_kernel.store.base import (
    ChangeSet,
    DeadLetter,
    Fence,
    JobRow,
    JobState,
    LetterQuery,
    OutboxRow,
    Parked,
)
from murmur_kernel.store.codec import load_edits, load_envelope, load_record
from murmur_kernel.store.index import NoIndex, SqliteIndex
from murmur_kernel.store.sqlite_bulk import BulkEngine
from murmur_kernel.store.sqlite_changes import JOB_COLUMNS, apply, forget
from murmur_kernel.store.sqlite_engine import SqliteEngine
from murmur_kernel.store.sqlite_find import find_documents, index_statement
from murmur_kernel.store.sqlite_letters import COLUMNS, find_letters, letter_of

_MIGRATIONS = tuple(
    files("murmur_kernel.store").joinpath(name).read_text()
    for name in ("schema.sql", "migration_2.sql", "migration_3.sql")
)


class SqliteStore:
    """Durable against the death of the process and, with synchronous=FULL, against the loss of power."""

    shared = False

    def __init__(self, path: str, index: SqliteIndex | None = None, *, bulk: bool = False) -> None:
        """bulk: much faster for one who commits thing after thing, and durable when it is closed: see BulkEngine."""
        self._index = index
        self.on_commit: Callable[[ChangeSet], None] = lambda change: None
        self._engine = (BulkEngine if bulk else SqliteEngine)(path, _MIGRATIONS)

    async def open(self, indexes: Mapping[str, Sequence[str]]) -> None:
        statements = [index_statement(kind, field) for kind, fields in indexes.items() for field in fields]
        await self._engine.open(tuple(statements), tuple(self._index.migrations) if self._index else ())

    async def close(self) -> None:
        await self._engine.close()

    async def get(self, kind: str, document_id: str) -> Document | None:
        sql = "SELECT kind, id, version, body FROM documents WHERE kind = ? AND id = ?"
        row = await self._first(sql, kind, document_id)
        return Document(*row) if row else None

    async def get_many(self, kind: str, ids: Sequence[str]) -> Sequence[Document]:
        sql = "SELECT kind, id, version, body FROM documents WHERE kind = ? AND id = ?"
        return self._engine.look(
            lambda c: [Document(*row) for one in ids if (row := c.execute(sql, (kind, one)).fetchone()) is not None]
        )

    async def ask(self, question: object) -> Any:
        if (index := self._index) is None:
            raise NoIndex(question)
        return await self._engine.read(lambda connection: index.answer(connection, question))

    async def find(self, kind: str, query: Query) -> Page[Document]:
        if query.cursor:
            cursor.decode(query.cursor)
        return await self._engine.read(lambda connection: find_documents(connection, kind, query))

    async def commit(self, change: ChangeSet) -> None:
        await self._engine.write(lambda connection: apply(connection, change, self._index))
        self.on_commit(change)

    async def handled(self, mark: str) -> bool:
        return await self._first("SELECT 1 FROM inbox WHERE mark = ?", mark) is not None

    async def forget_marks(self, now: datetime, limit: int) -> int:
        return await self._engine.write(lambda connection: forget(connection, now.timestamp(), limit))

    async def answer(self, key: str) -> str | None:
        row = await self._first("SELECT body FROM answers WHERE key = ?", key)
        return row[0] if row else None

    async def outbox(self, limit: int) -> Sequence[OutboxRow]:
        sql = "SELECT position, envelope FROM outbox ORDER BY position LIMIT ?"
        rows = self._engine.look(lambda connection: connection.execute(sql, (limit,)).fetchall())
        return [OutboxRow(position, load_envelope(text)) for position, text in rows]

    async def published(self, up_to: int) -> None:
        await self._engine.write(lambda c: c.execute("DELETE FROM outbox WHERE position <= ?", (up_to,)) and None)

    async def outbox_depth(self) -> tuple[int, datetime | None]:
        ((count, oldest),) = await self._all("SELECT count(*), min(time) FROM outbox")
        return count, datetime.fromisoformat(oldest) if oldest else None

    async def lease(self, name: str, owner: str, now: datetime, until: datetime) -> bool:
        sql = """INSERT INTO leases VALUES (?1, ?2, ?4) ON CONFLICT (name) DO UPDATE SET owner = ?2, until = ?4
                 WHERE owner = ?2 OR until <= ?3"""
        arguments = (name, owner, now.timestamp(), until.timestamp())
        return await self._engine.write(lambda connection: connection.execute(sql, arguments).rowcount == 1)

    async def claim(self, kinds: Sequence[str], owner: str, now: datetime, until: datetime) -> JobRow | None:
        places = ", ".join("?" * len(kinds))
        sql = f"""UPDATE jobs SET attempt = attempt + 1, state = 'running', owner = ?, lease_until = ? WHERE id = (
                    SELECT id FROM jobs WHERE kind IN ({places}) AND due <= ?
                    AND (state = 'queued' OR (state = 'running' AND lease_until <= ?)) ORDER BY due LIMIT 1)
                  RETURNING {JOB_COLUMNS}"""
        arguments = (owner, until.timestamp(), *kinds, now.timestamp(), now.timestamp())
        row = await self._engine.write(lambda connection: connection.execute(sql, arguments).fetchone())
        return _job(row) if row else None

    async def extend(self, fence: Fence, until: datetime) -> bool:
        return await self._update_job(fence, "lease_until = ?", until.timestamp())

    async def postpone(self, fence: Fence, due: datetime, error: str, *, spent: bool = True) -> None:
        assignment = "state = 'queued', due = ?, error = ?, returned = returned + ?"
        await self._update_job(fence, assignment, due.timestamp(), error, int(not spent))

    async def give_up(self, fence: Fence, error: str) -> None:
        await self._update_job(fence, "state = 'failed', error = ?", error)

    async def _update_job(self, fence: Fence, assignment: str, *values: object) -> bool:
        sql = f"UPDATE jobs SET {assignment} WHERE id = ? AND attempt = ? AND state = 'running'"
        arguments = (*values, fence.job_id, fence.attempt)
        return await self._engine.write(lambda connection: connection.execute(sql, arguments).rowcount == 1)

    async def disown(self, owner: str, *, on_purpose: bool = False) -> None:
        sql = """UPDATE jobs SET lease_until = 0, owner = '', returned = returned + ?
                 WHERE owner = ? AND state = 'running'"""
        await self._engine.write(lambda connection: connection.execute(sql, (int(on_purpose), owner)) and None)

    async def jobs(self, state: JobState | None = None) -> Sequence[JobRow]:
        sql = f"SELECT {JOB_COLUMNS} FROM jobs WHERE state != 'ended' AND (?1 IS NULL OR state = ?1) ORDER BY due"
        return [_job(row) for row in await self._all(sql, state)]

    async def blocked(self, topic: str, key: str) -> bool:
        return await self._first("SELECT 1 FROM parked WHERE topic = ? AND key = ? LIMIT 1", topic, key) is not None

    async def parked(self, *, ready: bool | None = None) -> Sequence[Parked]:
        sql = """SELECT id, record, awaits, deadline, ready, edits FROM parked
                 WHERE ?1 IS NULL OR ready = ?1 ORDER BY number"""
        return [
            Parked(
                id=parked_id,
                record=load_record(record),
                awaits=awaits,
                deadline=datetime.fromtimestamp(deadline, UTC),
                ready=bool(is_ready),
                edits=load_edits(edits),
            )
            for parked_id, record, awaits, deadline, is_ready, edits in await self._all(sql, ready)
        ]

    async def count_parked(self, *, expired_at: datetime | None = None) -> int:
        by = expired_at.timestamp() if expired_at else None
        row = await self._first("SELECT count(*) FROM parked WHERE ?1 IS NULL OR deadline <= ?1", by)
        return int(row[0])

    async def dead_letters(self) -> Sequence[DeadLetter]:
        return [letter_of(row) for row in await self._all(f"SELECT {COLUMNS} FROM dead_letters ORDER BY at")]

    async def letter(self, letter_id: str) -> DeadLetter | None:
        row = await self._first(f"SELECT {COLUMNS} FROM dead_letters WHERE id = ?", letter_id)
        return letter_of(row) if row else None

    async def letters(self, query: LetterQuery) -> Page[DeadLetter]:
        return await self._engine.read(lambda connection: find_letters(connection, query))

    async def letter_counts(self) -> Mapping[str, int]:
        return dict(await self._all("SELECT topic, count(*) FROM dead_letters GROUP BY topic ORDER BY topic"))

    async def _first(self, sql: str, *arguments: object) -> Any:
        return self._engine.look(lambda connection: connection.execute(sql, arguments).fetchone())

    async def _all(self, sql: str, *arguments: object) -> list[Any]:
        return await self._engine.read(lambda connection: connection.execute(sql, arguments).fetchall())


def _job(row: Sequence[Any]) -> JobRow:
    job_id, kind, payload, due, correlation_id, causation_id, attempt, returned, state, error, traceparent = row
    return JobRow(
        id=job_id,
        kind=kind,
        payload=payload,
        due=datetime.fromtimestamp(due, UTC),
        correlation_id=correlation_id,
        causation_id=causation_id,
        attempt=attempt,
        returned=returned,
        state=JobState(state),
        error=error,
        traceparent=traceparent,
    )
