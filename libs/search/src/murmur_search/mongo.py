"""Pages of runs from MongoDB: an aggregation to be run by whoever has the client, and what its answer means.

documents = await runs.aggregate(pipeline(query)).to_list(None)
page = page_of(query, documents)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from murmur_search.mongo_shape import nan_path, path
from murmur_search.mongo_where import where
from murmur_search.nodes import Field, Kind, Order
from murmur_search.normal import normal
from murmur_search.paging import Position, RunQuery, RunsPage, position_of, token_of
from murmur_search.sqlite_order import types_of

_UNIQUE = Field(Kind.ATTRIBUTE, "run_id")
Stage = dict[str, Any]


@dataclass(frozen=True)
class _Key:
    """One value by which documents are sorted: `name` of a computed field, or the path of a kept one."""

    name: str
    expression: Any
    descending: bool = False


def pipeline(query: RunQuery) -> list[Stage]:
    """Gives limit + 1 documents of an id and its place. Raises TokenRefused."""
    position = position_of(query, types_of(query.orders))
    keys = _keys(query.orders)
    match: Stage = {"workspace": query.workspace, "experiment": {"$in": list(dict.fromkeys(query.experiments))}}
    if query.lifecycle is not None:
        match["lifecycle"] = query.lifecycle
    stages: list[Stage] = [{"$match": {"$and": [match, where(normal(query.filter))]}}]
    if _is_kept(query.orders):  # by an index, without a look at what is not on the page
        stages += [{"$match": _after_kept(query.orders, position)}] if position is not None else []
        stages += [{"$sort": {path(order.field): -1 if order.descending else 1 for order in query.orders}}]
        stages += [{"$limit": query.limit + 1}, {"$project": {key.name: key.expression for key in keys}}]
        return stages
    stages += [{"$project": {key.name: key.expression for key in keys}}]
    stages += [{"$match": _after(keys, position)}] if position is not None else []
    return [
        *stages,
        {"$sort": {key.name: -1 if key.descending else 1 for key in keys}},
        {"$limit": query.limit + 1},
    ]


def page_of(query: RunQuery, documents: Sequence[Mapping[str, Any]]) -> RunsPage:
    page = documents[: query.limit]
    more: str | None = None
    if len(documents) > query.limit and page:
        more = token_of(query, tuple(page[-1][key.name] for key in _keys(query.orders)))
    return RunsPage(tuple(document["_id"] for document in page), more)


def _keys(orders: Sequence[Order]) -> list[_Key]:
    """As in SQLite a rank (0: a value, 1: NaN or absent, 2: no metric), then the value."""
    keys: list[_Key] = []
    for order in orders:
        at = f"${path(order.field)}"
        if order.field == _UNIQUE:
            keys.append(_Key(f"k{len(keys)}", at, order.descending))
            continue
        value = {"$ifNull": [at, None]}
        rank: Any = {"$cond": [{"$eq": [value, None]}, 1, 0]}
        if order.field.kind is Kind.METRIC:
            rank = {"$ifNull": [f"${nan_path(order.field)}", 2]}
        keys.append(_Key(f"k{len(keys)}", rank))
        keys.append(_Key(f"k{len(keys)}", value, order.descending))
    return keys


def _after(keys: Sequence[_Key], position: Position) -> Stage:
    """What is later than `position`. A value is None only where the rank before says so: then all there are equal."""
    if not keys:
        return {"$nor": [{}]}
    key, value, rest = keys[0], position[0], _after(keys[1:], position[1:])
    if value is None:
        return rest
    beyond = {key.name: {"$lt" if key.descending else "$gt": value}}
    return {"$or": [beyond, {"$and": [{key.name: value}, rest]}]}


def _is_kept(orders: Sequence[Order]) -> bool:
    """Whether MongoDB's own order is ours: it takes what is absent for the least."""
    return all(order.field == _UNIQUE or (order.field.kind is Kind.ATTRIBUTE and order.descending) for order in orders)


def _after_kept(orders: Sequence[Order], position: Position) -> Stage:
    order, at = orders[0], path(orders[0].field)
    if order.field == _UNIQUE:
        return {at: {"$lt" if order.descending else "$gt": position[0]}}
    value, rest = position[1], _after_kept(orders[1:], position[2:])
    if value is None:
        return {"$and": [{at: None}, rest]}
    return {"$or": [{at: {"$lt": value}}, {at: None}, {"$and": [{at: value}, rest]}]}
