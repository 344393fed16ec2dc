"""What a commit writes into an SQLite store: every function takes a connection that is inside of a savepoint."""

import json
import sqlite3
from dataclasses import replace
from datetime import datetime

from murmur_events import Envelope
from murmur_events.catalog import topic_named
from murmur_kernel.errors import Conflict, Duplicate, LeaseLost
from murmur_kernel.store.base import ChangeSet, DocumentWrite, Fence, Parked
from murmur_kernel.store.codec import dump_edits, dump_envelope, dump_record
from murmur_kernel.store.index import SqliteIndex
from murmur_kernel.store.sqlite_letters import keep_letter

JOB_COLUMNS = "id, kind, payload, due, correlation_id, causation_id, attempt, returned, state, error, traceparent"


def apply(connection: sqlite3.Connection, change: ChangeSet, index: SqliteIndex | None = None) -> None:
    """The whole change; an error undoes all of it. Raises Duplicate, LeaseLost, Conflict."""
    if change.mark:
        _mark(connection, change.mark, change.forget_at)
    if change.fence:
        _check_fence(connection, change.fence)
    for write in change.documents:
        _save(connection, write)
    for entry in change.entries:
        assert index is not None, "a kind with entries belongs to a store with an index"
        index.keep(connection, entry)
    for envelope in change.envelopes:
        _enqueue(connection, envelope)
    for job in change.jobs:
        connection.execute(
            f"INSERT OR IGNORE INTO jobs ({JOB_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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


def forget(connection: sqlite3.Connection, now: float, limit: int) -> int:
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
