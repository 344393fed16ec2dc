"""Pages of runs from the history's SQLite file."""

import heapq
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cmp_to_key
from itertools import islice

from murmur_search.nodes import Field, Kind, Matches, Order, Present
from murmur_search.normal import Condition, Normal, conjuncts, is_sure_of, normal
from murmur_search.paging import Position, RunQuery, RunsPage, position_of, token_of
from murmur_search.sqlite_order import Column, earlier, types_of
from murmur_search.sqlite_plan import TooLong, look, look_again, short_of_steps
from murmur_search.sqlite_probe import Probe
from murmur_search.sqlite_schema import RUN_COLUMNS, WALKED
from murmur_search.sqlite_statement import Statement, is_joined
from murmur_search.sqlite_where import TABLES

Row = tuple[str, Position]
_FIRST = 8


def runs_page(connection: sqlite3.Connection, query: RunQuery) -> RunsPage:
    """Ids in order, as they are at one moment. Reads only. Raises TokenRefused.

    One experiment at a time, each by the cheaper of two ways, then merged: along the index of what is ordered by, until
    the page is full; or by the rarest condition, whose runs are all fetched and sorted.
    """
    position = position_of(query, types_of(query.orders))
    needed = tuple(conjuncts(normal(query.filter)))
    numbers = _numbers(connection, query)
    share = max(_FIRST, 2 * (query.limit + 1) // max(1, len(numbers)))  # twice what each would give to a page
    found = [
        _Search(connection, number, query.lifecycle).rows(needed, query.orders, position, query.limit + 1, share)
        for number in numbers
    ]
    place = cmp_to_key(earlier(query.orders))
    with _moment(connection):
        rows = list(islice(heapq.merge(*found, key=lambda row: place(row[1])), query.limit + 1))
    page = rows[: query.limit]
    more = token_of(query, page[-1][1]) if page and len(rows) > query.limit else None
    return RunsPage(tuple(row[0] for row in page), more)


@contextmanager
def _moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Else a run could pass from one statement's share to another's while they are asked, and be missing or twice."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _numbers(connection: sqlite3.Connection, query: RunQuery) -> list[int]:
    sql = "SELECT number FROM experiments WHERE workspace = ? AND id = ?"
    rows = (connection.execute(sql, (query.workspace, one)).fetchone() for one in dict.fromkeys(query.experiments))
    return [row[0] for row in rows if row]


@dataclass(frozen=True)
class _Search:
    connection: sqlite3.Connection
    experiment: int
    lifecycle: str | None

    def rows(
        self, needed: tuple[Normal, ...], orders: tuple[Order, ...], position: Position | None, limit: int, share: int
    ) -> Iterator[Row]:
        """As many as are taken, in portions that grow, of which the first is `share`."""
        while True:
            portion = self.page(needed, orders, position, min(share, limit))
            yield from portion
            if len(portion) < min(share, limit):
                return
            position, share = portion[-1][1], share * 4

    def page(
        self, needed: tuple[Normal, ...], orders: tuple[Order, ...], position: Position | None, limit: int
    ) -> list[Row]:
        way = look(self.connection, self.experiment, needed, limit)
        if way.empty:
            return []
        walkable, tried = _walkable(orders[0]), False
        if walkable and way.short and not way.rare:
            tried = True
            with suppress(TooLong), short_of_steps(self.connection):
                return self._walk(way.sorted(needed), orders, position, limit)
        if not way.rare:
            way = look_again(self.connection, self.experiment, needed, limit, tried=tried)
        if way.empty:
            return []
        if way.rare or not walkable:
            return self._sort(way.sorted(needed), way.rarest, orders, position, limit)
        return self._walk(way.sorted(needed), orders, position, limit)

    def _sort(
        self,
        needed: Sequence[Normal],
        rarest: Probe | None,
        orders: Sequence[Order],
        position: Position | None,
        limit: int,
    ) -> list[Row]:
        statement = Statement(self.experiment, self.lifecycle)
        if rarest is None or (rarest.field and not is_joined(rarest.field)):
            statement.drive_by_runs()
            if rarest and rarest.field and rarest.field.kind is Kind.DATASET:
                statement.ask_dataset(rarest.conditions[0])
        elif rarest.field is not None:
            statement.drive_by_field(rarest.field)
        else:
            leaf = rarest.conditions[0].leaf
            assert isinstance(leaf, Matches)
            statement.drive_by_words(leaf)
            needed = [one for one in needed if one is not rarest.conditions[0]]
        statement.need(needed)
        statement.rows()
        return self._rows(statement, statement.order(orders), position, limit)

    def _walk(
        self, needed: Sequence[Normal], orders: tuple[Order, ...], position: Position | None, limit: int
    ) -> list[Row]:
        """Runs with a value by its index, those whose metric is NaN, then those without, by the orders that follow."""
        if not _walkable(orders[0]):
            return self._sort(needed, None, orders, position, limit)
        of, metric = orders[0].field, orders[0].field.kind is Kind.METRIC
        absent = 2 if metric else 1
        passed = 0 if position is None else position[0]
        rows: list[Row] = []
        for rank in range(absent):
            if rank >= passed:  # type: ignore[operator]  # a rank is a number
                at = position if rank == passed else None
                rows += self._present(needed, orders, rank, at, limit - len(rows))
            if len(rows) >= limit:
                return rows
        if any(isinstance(one, Condition) and one.field == of and is_sure_of(one) for one in needed):
            return rows
        if is_joined(of) and not self._is_lacked(of):
            return rows
        at = position[2:] if position is not None and passed == absent else None
        lacking = (*needed, Condition(Present(of, present=False)))
        rest = self._walk(lacking, orders[1:], at, limit - len(rows))
        return rows + [(run, (absent, None, *place)) for run, place in rest]

    def _present(
        self, needed: Sequence[Normal], orders: Sequence[Order], rank: int, position: Position | None, limit: int
    ) -> list[Row]:
        statement = Statement(self.experiment, self.lifecycle)
        order, of = orders[0], orders[0].field
        if is_joined(of):
            row = statement.drive_by_field(of)
            value = f"{row}.value"
            if of.kind is Kind.METRIC:
                statement.ask(f"{row}.is_nan = {rank}")
        else:
            column = RUN_COLUMNS[of.key]
            value = f"r.{column}"
            statement.drive_by_runs(WALKED[column])
            statement.ask(
                f"{value} >= {statement.arguments.add('' if column in ('name', 'user', 'status') else -(2**63))}"
            )
        if position is not None:
            sign = "<=" if order.descending else ">="
            statement.ask(f"{value} {sign} {statement.arguments.add(position[1])}")
        statement.need(needed)
        statement.rows()
        columns = statement.order(orders)
        return self._rows(statement, [replace(columns[0], sql=str(rank), implied=True), *columns[1:]], position, limit)

    def _is_lacked(self, of: Field) -> bool:
        """Whether there is a run without it. Counting in two indexes is far cheaper than looking at each run."""
        sql = f"SELECT count(*) FROM {TABLES[of.kind]} WHERE experiment = ? AND key = ?"
        (having,) = self.connection.execute(sql, (self.experiment, of.key)).fetchone()
        sql = "SELECT count(*) FROM runs INDEXED BY runs_by_start WHERE experiment = ?"
        (runs,) = self.connection.execute(sql, (self.experiment,)).fetchone()
        return bool(having < runs)

    def _rows(
        self, statement: Statement, columns: Sequence[Column], position: Position | None, limit: int
    ) -> list[Row]:
        sql = statement.sql(columns, position, limit)
        return [(row[0], tuple(row[1:])) for row in self.connection.execute(sql, statement.arguments.values)]


def _walkable(order: Order) -> bool:
    return is_joined(order.field) or RUN_COLUMNS[order.field.key] in WALKED
