"""Queries over documents by their declared indexes, page by page, in MongoDB."""

from collections.abc import Sequence
from typing import Any

from murmur_kernel.documents import Document, Field, Page, Query
from murmur_kernel.store import cursor
from murmur_kernel.store.mongo_engine import MongoEngine

Condition = dict[str, Any]


async def find_documents(engine: MongoEngine, kind: str, query: Query) -> Page[Document]:
    """One page. Absent values sort before all others; ties keep the order of first saving. Raises BadCursor."""
    where: Condition = {"kind": kind, **{_field(name): value for name, value in query.where.items()}}
    if query.cursor:
        where = {"$and": [where, _after(query, *cursor.decode(query.cursor))]}
    direction = -1 if query.descending else 1
    order = [*([(_field(query.order_by), direction)] if query.order_by else []), ("number", direction)]
    found = await engine.some("documents", where, order=order, limit=query.limit + 1)
    page = found[: query.limit]
    more: str | None = None
    if len(found) > query.limit and page:
        value = page[-1]["fields"].get(query.order_by) if query.order_by else None
        more = cursor.encode(value, page[-1]["number"])
    return Page(_documents(page), more)


def _after(query: Query, value: Field, number: int) -> Condition:
    compare = "$lt" if query.descending else "$gt"
    if query.order_by is None:
        return {"number": {compare: number}}
    field = _field(query.order_by)
    beyond: list[Condition] = [{field: value, "number": {compare: number}}]
    if value is None:  # $gt and $lt compare within one type only: nothing is beyond null for them
        beyond += [] if query.descending else [{field: {"$ne": None}}]
    else:
        beyond += [{field: {compare: value}}, *([{field: None}] if query.descending else [])]
    return {"$or": beyond}


def _documents(records: Sequence[dict[str, Any]]) -> tuple[Document, ...]:
    return tuple(Document(one["kind"], one["id"], one["version"], one["body"]) for one in records)


def _field(name: str) -> str:
    return f"fields.{name}"
