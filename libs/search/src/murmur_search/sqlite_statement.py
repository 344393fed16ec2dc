"""One SELECT for runs of one experiment: what it is driven by, what it joins, what it asks."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from murmur_search.nodes import Field, Kind, Matches, Order
from murmur_search.normal import Condition, Normal, is_sure_of
from murmur_search.paging import Position
from murmur_search.sqlite_order import Column, after, columns_of
from murmur_search.sqlite_where import TABLES, Arguments, Scope, fts

_JOINS = 12  # of the 64 that SQLite allows; what is beyond is asked by EXISTS


@dataclass
class Statement:
    """Tables are joined in the order in which they are named: SQLite takes CROSS JOIN so."""

    experiment: int
    lifecycle: str | None
    arguments: Arguments = field(default_factory=Arguments)
    sources: dict[Field, str] = field(default_factory=dict)
    _tables: list[str] = field(default_factory=list)
    _where: list[str] = field(default_factory=list)
    run: str = ""

    def drive_by_field(self, of: Field) -> str:
        """By the index of a metric's, param's or tag's values. Gives its alias."""
        row = self._alias(of)
        self._tables.append(f"{TABLES[of.kind]} {row}")
        here, key = self.arguments.add(self.experiment), self.arguments.add(of.key)
        self._where.append(f"{row}.experiment = {here} AND {row}.key = {key}")
        self.run = f"{row}.run"
        return row

    def drive_by_words(self, leaf: Matches) -> None:
        self._tables.append("run_text t")
        self._where.append(f"t.run_text MATCH {self.arguments.add(fts(leaf))}")
        self.run = "t.rowid"

    def drive_by_runs(self, index: str | None = None) -> None:
        self._tables.append("runs r" + (f" INDEXED BY {index}" if index else ""))
        self._where.append(f"r.experiment = {self.arguments.add(self.experiment)}")
        self.run = "r.number"

    def ask_dataset(self, condition: Condition) -> None:
        """Lets runs be entered by a data set of theirs."""
        test = Scope(self.arguments, self.run, {}).dataset_test(condition)
        here = self.arguments.add(self.experiment)
        rows = "SELECT i.run FROM datasets d CROSS JOIN inputs i ON i.dataset = d.number"
        self._where.append(f"{self.run} IN ({rows} WHERE d.experiment = {here} AND {test})")

    def need(self, needed: Sequence[Normal]) -> None:
        """The rarest first. Metrics, params and tags that must be there are joined, which is faster than EXISTS."""
        for one in needed:
            of = one.field if isinstance(one, Condition) and is_sure_of(one) else None
            if of and of.kind in TABLES and of not in self.sources and len(self.sources) < _JOINS:
                row = self._alias(of)
                key = self.arguments.add(of.key)
                on = f"{row}.run = {self.run} AND {row}.key = {key}"
                self._tables.append(f"CROSS JOIN {TABLES[of.kind]} {row} ON {on}")
        scope = Scope(self.arguments, self.run, dict(self.sources))
        self._where += [scope.sql(one) for one in needed]

    def ask(self, clause: str) -> None:
        self._where.append(clause)

    def rows(self) -> None:
        """The runs' own rows, after what is cheaper to ask."""
        if self.run != "r.number":
            self._tables.append(f"CROSS JOIN runs r ON r.number = {self.run}")
            self._where.append(f"r.experiment = {self.arguments.add(self.experiment)}")
        if self.lifecycle is not None:
            self._where.append(f"r.lifecycle = {self.arguments.add(self.lifecycle)}")

    def order(self, orders: Sequence[Order]) -> list[Column]:
        """Columns of these orders, with the rows that they need, which may be absent."""
        return [column for order in orders for column in columns_of(order, self._optional)]

    def _optional(self, of: Field) -> str:
        if of not in self.sources:
            row = self._alias(of)
            key = self.arguments.add(of.key)
            self._tables.append(f"LEFT JOIN {TABLES[of.kind]} {row} ON {row}.run = {self.run} AND {row}.key = {key}")
        return self.sources[of]

    def sql(self, columns: Sequence[Column], position: Position | None, limit: int) -> str:
        """Rows of the id and the columns' values."""
        if position is not None:
            self._where.append(after(columns, position, self.arguments))
        order = ", ".join(column.clause for column in columns if not column.implied)
        values = ", ".join(column.sql for column in columns)
        tables = " ".join(self._tables)
        where = " AND ".join(self._where)
        return f"SELECT r.id, {values} FROM {tables} WHERE {where} ORDER BY {order} LIMIT {self.arguments.add(limit)}"

    def _alias(self, of: Field) -> str:
        self.sources[of] = f"s{len(self.sources)}"
        return self.sources[of]


def is_joined(of: Field) -> bool:
    return of.kind in (Kind.METRIC, Kind.PARAM, Kind.TAG)
