"""Dead letters in MongoDB: kept, and found by where they came from, why, and when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from murmur_kernel.documents import Page
from murmur_kernel.store import cursor
from murmur_kernel.store.base import DeadLetter, LetterQuery
from murmur_kernel.store.codec import dump_edits, dump_record, dump_time, load_edits, load_record
from murmur_kernel.store.mongo_engine import MongoEngine

_ORDERS = {"time": ("at", "_id"), "place": ("topic", "partition", "place", "_id")}


def letter_record(letter: DeadLetter) -> dict[str, Any]:
    """What is kept of it, beside its id."""
    return {
        "record": dump_record(letter.record),
        "error": letter.error,
        "reason": letter.reason,
        "at": dump_time(letter.at),
        "edits": dump_edits(letter.edits),
        "topic": letter.record.topic,
        "partition": letter.record.partition,
        "place": letter.record.offset,
    }


def letter_of(found: dict[str, Any]) -> DeadLetter:
    return DeadLetter(
        id=found["_id"],
        record=load_record(found["record"]),
        error=found["error"],
        reason=found["reason"],
        at=datetime.fromisoformat(found["at"]),
        edits=load_edits(found["edits"]),
    )


async def find_letters(engine: MongoEngine, query: LetterQuery) -> Page[DeadLetter]:
    """Raises BadCursor."""
    order = _ORDERS[query.order]
    direction = -1 if query.order == "time" else 1
    conditions: list[dict[str, Any]] = [
        {field: {compare: value}}
        for field, compare, value in (
            ("topic", "$eq", query.topic),
            ("error", "$eq", query.error),
            ("at", "$gte", dump_time(query.since) if query.since else None),
            ("at", "$lt", dump_time(query.until) if query.until else None),
        )
        if value is not None
    ]
    if query.cursor:
        conditions.append(_beyond(order, cursor.decode_place(query.cursor, len(order)), direction))
    where = {"$and": conditions} if conditions else {}
    sorting = [(field, direction) for field in order]
    found = await engine.some("dead_letters", where, order=sorting, limit=query.limit + 1)
    page = found[: query.limit]
    last = page[-1] if len(found) > query.limit else None
    further = cursor.encode_place([last[field] for field in order]) if last else None
    return Page(tuple(letter_of(one) for one in page), further)


def _beyond(order: Sequence[str], place: Sequence[Any], direction: int) -> dict[str, Any]:
    """Greater (or less) than `place` as tuples are compared: by the first field in which they differ."""
    compare = "$lt" if direction < 0 else "$gt"
    equal = list(zip(order, place, strict=True))
    return {"$or": [{**dict(equal[:n]), field: {compare: value}} for n, (field, value) in enumerate(equal)]}
