"""Queries over documents by their declared indexes, page by page, in SQLite."""

import json
import re
import sqlite3

from murmur_kernel.documents import Document, Field, Page, Query
from murmur_kernel.store import cursor

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")


def find_documents(connection: sqlite3.Connection, kind: str, query: Query) -> Page[Document]:
    """One page. Absent values sort before all others; ties keep the order of first saving."""
    conditions = [f"kind = '{_name(kind)}'"]
    arguments: list[Field] = []
    for name, value in query.where.items():
        conditions.append(f"{_field(name)} IS ?")
        arguments.append(value)
    direction = "DESC" if query.descending else "ASC"
    order = f"{_field(query.order_by)} {direction}, number {direction}" if query.order_by else f"number {direction}"
    if query.cursor:
        condition, values = _after(query, *cursor.decode(query.cursor))
        conditions.append(condition)
        arguments.extend(values)
    sql = f"""SELECT kind, id, version, body, fields, number FROM documents
              WHERE {" AND ".join(conditions)} ORDER BY {order} LIMIT {int(query.limit) + 1}"""
    rows = connection.execute(sql, arguments).fetchall()
    page = rows[: query.limit]
    more: str | None = None
    if len(rows) > query.limit and page:
        *_, fields, number = page[-1]
        more = cursor.encode(json.loads(fields).get(query.order_by) if query.order_by else None, number)
    return Page(tuple(Document(*row[:4]) for row in page), more)


def _after(query: Query, value: Field, number: int) -> tuple[str, list[Field]]:
    compare = "<" if query.descending else ">"
    if query.order_by is None:
        return f"number {compare} ?", [number]
    field = _field(query.order_by)
    tie = f"({field} IS ? AND number {compare} ?)"
    if value is None:
        beyond = "0" if query.descending else f"{field} IS NOT NULL"
        return f"({tie} OR {beyond})", [value, number]
    beyond = f"{field} {compare} ?" + (f" OR {field} IS NULL" if query.descending else "")
    return f"({tie} OR {beyond})", [value, number, value]


def index_statement(kind: str, field: str) -> str:
    """SQL that makes the index of one field of one kind; SQLite uses it only where the kind is written as a literal."""
    return f"""CREATE INDEX IF NOT EXISTS "documents_{_name(kind)}_{_name(field)}"
               ON documents ({_field(field)}, number) WHERE kind = '{_name(kind)}'"""


def _field(name: str) -> str:
    return f"json_extract(fields, '$.{_name(name)}')"


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise ValueError(f"{text!r} is not a name for a kind or an index: use letters, digits, - and _")
    return text
