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
    OutboxRow,
    Parked,
)
from murmur_kernel.store.codec import dump_envelope, dump_record, load_envelope, load_record
from murmur_kernel.store.sqlite_engine import SqliteEngine
from murmur_kernel.store.sqlite_find import find_documents, index_statement

_MIGRATIONS = (files("murmur_kernel.store").joinpath("schema.sql").read_text(),)


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

    async def answer(self, key: str) -> str | None:
        row = await self._first("SELECT body FROM answers WHERE key = ?", key)
        return row[0] if row else None

    async def outbox(self, limit: int) -> Sequence[OutboxRow]:
        rows = await self._all("SELECT position, envelope FROM outbox ORDER BY position LIMIT ?", limit)
        return [OutboxRow(position, load_envelope(text)) for position, text in rows]

    async def published(self, up_to: int) -> None:
        await self._engine.write(lambda c: c.execute("DELETE FROM outbox WHERE position <= ?", (up_to,)) and None)

    async def outbox_depth(self) -> tuple[int, datetime | None]:
        row = await self._first("SELECT count(*), min(time) FROM outbox")
        count, oldest = row or (0, None)
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

    async def disown(self, owner: str) -> None:
        sql = "UPDATE jobs SET lease_until = 0 WHERE owner = ?"
        await self._engine.write(lambda connection: connection.execute(sql, (owner,)) and None)

    async def jobs(self, state: JobState | None = None) -> Sequence[JobRow]:
        sql = f"SELECT {_JOB_COLUMNS} FROM jobs WHERE state != 'ended' AND (?1 IS NULL OR state = ?1) ORDER BY due"
        return [_job(row) for row in await self._all(sql, state)]

    async def blocked(self, topic: str, key: str) -> str | None:
        sql = "SELECT awaits FROM parked WHERE topic = ? AND key = ? ORDER BY number DESC LIMIT 1"
        row = await self._first(sql, topic, key)
        return row[0] if row else None

    async def parked(self, *, ready: bool | None = None) -> Sequence[Parked]:
        sql = """SELECT id, record, awaits, deadline, ready FROM parked
                 WHERE ?1 IS NULL OR ready = ?1 ORDER BY number"""
        return [
            Parked(
                id=parked_id,
                record=load_record(record),
                awaits=awaits,
                deadline=datetime.fromtimestamp(deadline, UTC),
                ready=bool(is_ready),
            )
            for parked_id, record, awaits, deadline, is_ready in await self._all(sql, ready)
        ]

    async def release(self, parked_id: str) -> None:
        await self._engine.write(lambda c: c.execute("UPDATE parked SET ready = 1 WHERE id = ?", (parked_id,)) and None)

    async def dead_letters(self) -> Sequence[DeadLetter]:
        rows = await self._all("SELECT id, record, error, reason, at FROM dead_letters ORDER BY at")
        return [
            DeadLetter(
                id=letter_id, record=load_record(record), error=error, reason=reason, at=datetime.fromisoformat(at)
            )
            for letter_id, record, error, reason, at in rows
        ]

    async def _first(self, sql: str, *arguments: object) -> Any:
        return await self._engine.read(lambda connection: connection.execute(sql, arguments).fetchone())

    async def _all(self, sql: str, *arguments: object) -> list[Any]:
        return await self._engine.read(lambda connection: connection.execute(sql, arguments).fetchall())


_JOB_COLUMNS = "id, kind, payload, due, correlation_id, causation_id, attempt, state, error"


def _job(row: Sequence[Any]) -> JobRow:
    job_id, kind, payload, due, correlation_id, causation_id, attempt, state, error = row
    return JobRow(
        id=job_id,
        kind=kind,
        payload=payload,
        due=datetime.fromtimestamp(due, UTC),
        correlation_id=correlation_id,
        causation_id=causation_id,
        attempt=attempt,
        state=JobState(state),
        error=error,
    )


def _apply(connection: sqlite3.Connection, change: ChangeSet) -> None:
    """The whole change on a connection that is inside a savepoint: an error undoes all of it."""
    if change.mark:
        _mark(connection, change.mark)
    if change.fence:
        _check_fence(connection, change.fence)
    for write in change.documents:
        _save(connection, write)
    for envelope in change.envelopes:
        _enqueue(connection, envelope)
    for job in change.jobs:
        connection.execute(
            f"INSERT OR IGNORE INTO jobs ({_JOB_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                job.id,
                job.kind,
                job.payload,
                job.due.timestamp(),
                job.correlation_id,
                job.causation_id,
                job.attempt,
                job.state,
                job.error,
            ),
        )
    for job_id in change.cancelled:
        connection.execute("UPDATE jobs SET state = 'ended', payload = '' WHERE id = ?", (job_id,))
    if change.unparked:
        connection.execute("DELETE FROM parked WHERE id = ?", (change.unparked,))
    if change.parked:
        _park(connection, change.parked)
    if letter := change.dead_letter:
        connection.execute(
            "INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?, ?)",
            (letter.id, dump_record(letter.record), letter.error, letter.reason, letter.at.isoformat()),
        )
    if change.undead:
        connection.execute("DELETE FROM dead_letters WHERE id = ?", (change.undead,))
    if change.answer:
        connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", change.answer)


def _mark(connection: sqlite3.Connection, mark: str) -> None:
    if connection.execute("INSERT OR IGNORE INTO inbox VALUES (?)", (mark,)).rowcount != 1:
        raise Duplicate(mark)


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
        """INSERT INTO parked (id, topic, key, record, awaits, deadline, ready) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
           ON CONFLICT (id) DO UPDATE SET awaits = ?5, deadline = ?6, ready = ?7""",
        (
            parked.id,
            parked.record.topic,
            parked.record.key,
            dump_record(parked.record),
            parked.awaits,
            parked.deadline.timestamp(),
            parked.ready or not parked.awaits or present is not None,
        ),
    )
