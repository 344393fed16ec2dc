"""The embedded store: one SQLite file a service, for one replica."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from murmur_events import Envelope
from murmur_events.catalog import topic_named
from murmur_kernel.documents import Document, Page, Query
from murmur_kernel.errors import Conflict, Duplicate, LeaseLost
from murmur_kernel.store import cursor
from murmur_kernel.store.base import (
    ChangeSet,
    DeadLetter,
    DocumentWrite,
    Fence,
    JobRow,
    JobState,
    LetterQuery,
    OutboxRow,
    Parked,
)
from murmur_kernel.store.codec import dump_edits, dump_envelope, dump_record, load_edits, load_envelope, load_record
from murmur_kernel.store.sqlite_engine import SqliteEngine
from murmur_kernel.store.sqlite_find import find_documents, index_statement
from murmur_kernel.store.sqlite_letters import COLUMNS, find_letters, keep_letter, letter_of

_MIGRATIONS = tuple(
    files("murmur_kernel.store").joinpath(name).read_text()
    for name in ("schema.sql", "migration_2.sql", "migration_3.sql")
)


class SqliteStore:
    """Durable against the death of the process and, with synchronous=FULL, against the loss of power."""

    shared = False

    def __init__(self, path: str) -> None:
        self.on_commit: Callable[[ChangeSet], None] = lambda change: None
        self._engine = SqliteEngine(path, _MIGRATIONS)

    async def open(self, indexes: Mapping[str, Sequence[str]]) -> None:
        statements = [index_statement(kind, field) for kind, fields in indexes.items() for field in fields]
        await self._engine.open(tuple(statements))

    async def close(self) -> None:
        await self._engine.close()

    async def get(self, kind: str, document_id: str) -> Document | None:
        sql = "SELECT kind, id, version, body FROM documents WHERE kind = ? AND id = ?"
        row = await self._first(sql, kind, document_id)
        return Document(*row) if row else None

    async def find(self, kind: str, query: Query) -> Page[Document]:
        if query.cursor:
            cursor.decode(query.cursor)
        return await self._engine.read(lambda connection: find_documents(connection, kind, query))

    async def commit(self, change: ChangeSet) -> None:
        await self._engine.write(lambda connection: _apply(connection, change))
        self.on_commit(change)

    async def handled(self, mark: str) -> bool:
        return await self._first("SELECT 1 FROM inbox WHERE mark = ?", mark) is not None

    async def forget_marks(self, now: datetime, limit: int) -> int:
        return await self._engine.write(lambda connection: _forget(connection, now.timestamp(), limit))

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
                  RETURNING {_JOB_COLUMNS}"""
        arguments = (owner, until.timestamp(), *kinds, now.timestamp(), now.timestamp())
        row = await self._engine.write(lambda connection: connection.execute(sql, arguments).fetchone())
        return _job(row) if row else None

    async def extend(self, fence: Fence, until: datetime) -> bool:
        return await self._update_job(fence, "lease_until = ?", until.timestamp())

    async def postpone(self, fence: Fence, due: datetime, error: str) -> None:
        await self._update_job(fence, "state = 'queued', due = ?, error = ?", due.timestamp(), error)

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
        sql = f"SELECT {_JOB_COLUMNS} FROM jobs WHERE state != 'ended' AND (?1 IS NULL OR state = ?1) ORDER BY due"
        return [_job(row) for row in await self._all(sql, state)]

    async def blocked(self, topic: str, key: str) -> str | None:
        sql = "SELECT awaits FROM parked WHERE topic = ? AND key = ? ORDER BY number DESC LIMIT 1"
        row = await self._first(sql, topic, key)
        return row[0] if row else None

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

    async def release(self, parked_id: str) -> None:
        await self._engine.write(lambda c: c.execute("UPDATE parked SET ready = 1 WHERE id = ?", (parked_id,)) and None)

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


_JOB_COLUMNS = "id, kind, payload, due, correlation_id, causation_id, attempt, returned, state, error, traceparent"


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


def _apply(connection: sqlite3.Connection, change: ChangeSet) -> None:
    """The whole change on a connection that is inside a savepoint: an error undoes all of it."""
    if change.mark:
        _mark(connection, change.mark, change.forget_at)
    if change.fence:
        _check_fence(connection, change.fence)
    for write in change.documents:
        _save(connection, write)
    for envelope in change.envelopes:
        _enqueue(connection, envelope)
    for job in change.jobs:
        connection.execute(
            f"INSERT OR IGNORE INTO jobs ({_JOB_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                job.id,
                job.kind,
                job.payload,
                job.due.timestamp(),
                job.correlation_id,
                job.causation_id,
                job.attempt,
                job.returned,
                job.state,
                job.error,
                job.traceparent,
            ),
        )
    for job_id in change.cancelled:
        connection.execute("UPDATE jobs SET state = 'ended', payload = '' WHERE id = ?", (job_id,))
    if change.unparked:
        connection.execute("DELETE FROM parked WHERE id = ?", (change.unparked,))
    if change.parked:
        _park(connection, change.parked)
    if letter := change.dead_letter:
        keep_letter(connection, letter)
    if change.undead:
        connection.execute("DELETE FROM dead_letters WHERE id = ?", (change.undead,))
    if change.answer:
        connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", change.answer)


def _mark(connection: sqlite3.Connection, mark: str, forget_at: datetime | None) -> None:
    row = (mark, forget_at.timestamp() if forget_at else None)
    if connection.execute("INSERT OR IGNORE INTO inbox (mark, forget_at) VALUES (?, ?)", row).rowcount != 1:
        raise Duplicate(mark)


def _forget(connection: sqlite3.Connection, now: float, limit: int) -> int:
    marks = connection.execute(
        """SELECT mark FROM inbox WHERE forget_at <= ?
           AND mark NOT IN (SELECT id FROM parked) AND mark NOT IN (SELECT id FROM dead_letters)
           ORDER BY forget_at LIMIT ?""",
        (now, limit),
    ).fetchall()
    connection.executemany("DELETE FROM answers WHERE key = ?", marks)
    connection.executemany("DELETE FROM inbox WHERE mark = ?", marks)
    return len(marks)


def _check_fence(connection: sqlite3.Connection, fence: Fence) -> None:
    """A job that ends stays as a row without a payload, so that its id is never taken for new work."""
    done = "state = 'ended', payload = ''" if fence.completes else "attempt = attempt"
    sql = f"UPDATE jobs SET {done} WHERE id = ? AND attempt = ? AND state = 'running'"
    if connection.execute(sql, (fence.job_id, fence.attempt)).rowcount != 1:
        raise LeaseLost(fence.job_id, fence.attempt)


def _save(connection: sqlite3.Connection, write: DocumentWrite) -> None:
    sql = """INSERT INTO documents (kind, id, version, fields, body) VALUES (?1, ?2, 1, ?3, ?4)
             ON CONFLICT (kind, id) DO UPDATE SET version = version + 1, fields = ?3, body = ?4
             WHERE ?5 IS NULL OR version = ?5"""
    if write.expected:
        sql = """UPDATE documents SET version = version + 1, fields = ?3, body = ?4
                 WHERE kind = ?1 AND id = ?2 AND version = ?5"""
    arguments = (write.kind, write.id, json.dumps(write.fields), write.body, write.expected)
    if connection.execute(sql, arguments).rowcount != 1:
        raise Conflict(write.kind, write.id)
    connection.execute("UPDATE parked SET ready = 1 WHERE awaits = ?", (f"{write.kind}/{write.id}",))


def _enqueue(connection: sqlite3.Connection, envelope: Envelope) -> None:
    counter = (topic_named(envelope.topic).aggregate, envelope.key)
    sql = """INSERT INTO sequences VALUES (?, ?, 1)
             ON CONFLICT (aggregate, key) DO UPDATE SET value = value + 1 RETURNING value"""
    (sequence,) = connection.execute(sql, counter).fetchone()
    text = dump_envelope(replace(envelope, sequence=sequence))
    connection.execute("INSERT INTO outbox (envelope, time) VALUES (?, ?)", (text, envelope.time.isoformat()))


def _park(connection: sqlite3.Connection, parked: Parked) -> None:
    kind, _, document_id = parked.awaits.partition("/")
    present = connection.execute("SELECT 1 FROM documents WHERE kind = ? AND id = ?", (kind, document_id)).fetchone()
    connection.execute(
        """INSERT INTO parked (id, topic, key, record, awaits, deadline, ready, edits)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
           ON CONFLICT (id) DO UPDATE SET awaits = ?5, deadline = ?6, ready = ?7""",
        (
            parked.id,
            parked.record.topic,
            parked.record.key,
            dump_record(parked.record),
            parked.awaits,
            parked.deadline.timestamp(),
            parked.ready or not parked.awaits or present is not None,
            dump_edits(parked.edits),
        ),
    )
