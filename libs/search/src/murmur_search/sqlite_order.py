"""The order of runs as columns, and what comes after a place in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from murmur_search.nodes import Field, Kind, Order
from murmur_search.paging import Position
from murmur_search.schemas import RUNS
from murmur_search.sqlite_schema import RUN_COLUMNS
from murmur_search.sqlite_where import Arguments

_NEVER_ABSENT = "run_id"


@dataclass(frozen=True)
class Column:
    """`of`: the type of its values, which may be None in a column that follows a rank.

    implied: the column that follows sorts as this one does. Named in ORDER BY it would keep an index from serving it.
    """

    sql: str
    of: type
    descending: bool = False
    implied: bool = False

    @property
    def clause(self) -> str:
        return f"{self.sql} DESC" if self.descending else self.sql


def columns_of(order: Order, alias: Callable[[Field], str]) -> tuple[Column, ...]:
    """A rank (0: a value, 1: NaN or absent, 2: no metric) where one is needed, then the value."""
    of = order.field
    if of.kind is Kind.METRIC:
        row = alias(of)
        rank = f"CASE {row}.is_nan WHEN 0 THEN 0 WHEN 1 THEN 1 ELSE 2 END"
        return Column(rank, int), Column(f"{row}.value", float, order.descending)
    if of.kind is Kind.ATTRIBUTE:
        value = f"r.{RUN_COLUMNS[of.key]}"
        if of.key == _NEVER_ABSENT:
            return (Column(value, str, order.descending),)
        kind = int if RUNS.type_of(of) == "number" else str
        return _absent(value, order), Column(value, kind, order.descending)
    value = f"{alias(of)}.value"
    return _absent(value, order), Column(value, str, order.descending)


def _absent(value: str, order: Order) -> Column:
    """SQLite takes NULL for the least, which comes last where the order descends."""
    return Column(f"({value} IS NULL)", int, implied=order.descending)


def types_of(orders: Sequence[Order]) -> list[type]:
    return [column.of for order in orders for column in columns_of(order, lambda of: "x")]


def width(order: Order) -> int:
    return 1 if order.field == Field(Kind.ATTRIBUTE, _NEVER_ABSENT) else 2


def after(columns: Sequence[Column], position: Position, arguments: Arguments) -> str:
    """What is later than `position`. A value is None only where the rank before says so: then all there are equal."""
    if not columns:
        return "0"
    column, value = columns[0], position[0]
    rest = after(columns[1:], position[1:], arguments)
    if value is None:
        return rest
    name = arguments.add(value)
    beyond = f"{column.sql} {'<' if column.descending else '>'} {name}"
    return beyond if rest == "0" else f"({beyond} OR ({column.sql} = {name} AND {rest}))"


def earlier(orders: Sequence[Order]) -> Callable[[Position, Position], int]:
    """Compares places of one order, for merging."""
    directions = [column.descending for order in orders for column in columns_of(order, lambda of: "x")]

    def compare(one: Position, other: Position) -> int:
        for descending, mine, theirs in zip(directions, one, other, strict=True):
            if mine == theirs or mine is None or theirs is None:
                continue
            before = mine < theirs  # type: ignore[operator]  # values of one column are of one type
            return -1 if before is not descending else 1
        return 0

    return compare
