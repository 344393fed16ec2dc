"""Dead letters in SQLite: kept, and found by where they came from, why, and when."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from murmur_kernel.documents import Page
from murmur_kernel.store import cursor
from murmur_kernel.store.base import DeadLetter, LetterQuery
from murmur_kernel.store.codec import dump_edits, dump_record, dump_time, load_edits, load_record

COLUMNS = "id, record, error, reason, at, edits"

_ORDERS = {"time": ("at", "id"), "place": ("topic", "partition", "place", "id")}


def keep_letter(connection: sqlite3.Connection, letter: DeadLetter) -> None:
    record = letter.record
    connection.execute(
        f"INSERT OR REPLACE INTO dead_letters ({COLUMNS}, topic, partition, place) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            letter.id,
            dump_record(record),
            letter.error,
            letter.reason,
            dump_time(letter.at),
            dump_edits(letter.edits),
            record.topic,
            record.partition,
            record.offset,
        ),
    )


def letter_of(row: Sequence[Any]) -> DeadLetter:
    letter_id, record, error, reason, at, edits = row[:6]
    return DeadLetter(
        id=letter_id,
        record=load_record(record),
        error=error,
        reason=reason,
        at=datetime.fromisoformat(at),
        edits=load_edits(edits),
    )


def find_letters(connection: sqlite3.Connection, query: LetterQuery) -> Page[DeadLetter]:
    """Raises BadCursor."""
    order = _ORDERS[query.order]
    direction, beyond = ("DESC", "<") if query.order == "time" else ("ASC", ">")
    conditions: list[str] = []
    values: list[Any] = []
    for condition, value in (
        ("topic = ?", query.topic),
        ("error = ?", query.error),
        ("at >= ?", dump_time(query.since) if query.since else None),
        ("at < ?", dump_time(query.until) if query.until else None),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if query.cursor:
        conditions.append(f"({', '.join(order)}) {beyond} ({', '.join('?' * len(order))})")
        values += cursor.decode_place(query.cursor, len(order))
    rows = connection.execute(
        f"""SELECT {COLUMNS}, {", ".join(order)} FROM dead_letters WHERE {" AND ".join(conditions) or "TRUE"}
            ORDER BY {", ".join(f"{column} {direction}" for column in order)} LIMIT ?""",
        (*values, query.limit + 1),
    ).fetchall()
    page = rows[: query.limit]
    further = cursor.encode_place(page[-1][6:]) if len(rows) > query.limit else None
    return Page(tuple(letter_of(row) for row in page), further)
