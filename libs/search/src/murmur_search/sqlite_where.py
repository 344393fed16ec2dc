"""Conditions as SQL over the history's tables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from murmur_search import patterns
from murmur_search.nodes import Compare, Field, Kind, Leaf, Like, Matches, OneOf, Present, Value
from murmur_search.normal import All, AnyOf, Condition, Normal
from murmur_search.sqlite_schema import RUN_COLUMNS

TABLES = {Kind.METRIC: "metrics", Kind.PARAM: "params", Kind.TAG: "tags"}
_INVERSE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_BOUND_SINGLY = 50


@dataclass
class Arguments:
    """Values of one statement; `add` gives the name that stands for one."""

    values: dict[str, Value | None] = field(default_factory=dict)

    def add(self, value: Value | None) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"


@dataclass(frozen=True)
class Scope:
    """`run`: the expression of a run's number. `sources`: aliases of rows that the statement has joined already."""

    arguments: Arguments
    run: str
    sources: Mapping[Field, str]

    def sql(self, part: Normal) -> str:
        match part:
            case All(parts):
                return _joined(" AND ", [self.sql(one) for one in parts], "1")
            case AnyOf(parts):
                return _joined(" OR ", [self.sql(one) for one in parts], "0")
            case Condition():
                return self._condition(part)

    def _condition(self, condition: Condition) -> str:
        leaf = condition.leaf
        if isinstance(leaf, Matches):
            found = f"{self.run} IN (SELECT rowid FROM run_text WHERE run_text MATCH {self.arguments.add(fts(leaf))})"
            return f"NOT {found}" if condition.denied else found
        of = leaf.field
        if of.kind is Kind.DATASET:
            return self._dataset(condition, of)
        if of.kind is Kind.ATTRIBUTE:
            return self.test(condition, f"r.{RUN_COLUMNS[of.key]}")
        if of in self.sources:
            return self.test_source(condition, self.sources[of])
        row = f"SELECT 1 FROM {TABLES[of.kind]} x WHERE x.run = {self.run} AND x.key = {self.arguments.add(of.key)}"
        if isinstance(leaf, Present):
            return f"{'' if leaf.present else 'NOT '}EXISTS ({row})"
        return f"EXISTS ({row} AND {self.test_source(condition, 'x')})"

    def _dataset(self, condition: Condition, of: Field) -> str:
        column = _dataset_column(of)
        rows = f"SELECT 1 FROM inputs i JOIN datasets d ON d.number = i.dataset WHERE i.run = {self.run}"
        some = f"EXISTS ({rows} AND {column} IS NOT NULL)"
        if isinstance(condition.leaf, Present):
            return some if condition.leaf.present else f"NOT {some}"
        met = f"EXISTS ({rows} AND {self.test(Condition(condition.leaf), column)})"
        return f"({some} AND NOT {met})" if condition.denied else met

    def dataset_test(self, condition: Condition) -> str:
        assert condition.field is not None
        return self.test(condition, _dataset_column(condition.field))

    def test_source(self, condition: Condition, alias: str) -> str:
        """On a row of metrics, params or tags."""
        if condition.field is not None and condition.field.kind is Kind.METRIC:
            return self._test_metric(condition, alias)
        return self.test(condition, f"{alias}.value")

    def _test_metric(self, condition: Condition, alias: str) -> str:
        """NaN is kept as 0 with a mark, and differs from every number."""
        plain = self.test(condition, f"{alias}.value")
        if isinstance(condition.leaf, Present):
            return plain
        if _differs(condition.leaf) is not condition.denied:
            return f"({plain} OR {alias}.is_nan = 1)"
        return f"({alias}.is_nan = 0 AND {plain})"

    def test(self, condition: Condition, value: str) -> str:
        """False or NULL where `value` is NULL."""
        denied = condition.denied
        match condition.leaf:
            case Compare(_, comparison, wanted):
                sign = _INVERSE[comparison] if denied else comparison
                return f"{value} {sign} {self.arguments.add(wanted)}"
            case Like(_, pattern, any_case, negated):
                return self._like(value, pattern, any_case, negated is not denied)
            case OneOf(_, values, negated):
                return f"{value} {'NOT IN' if negated is not denied else 'IN'} ({self._list(values)})"
            case Present(_, present):
                return f"{value} IS {'NOT ' if present else ''}NULL"
        raise TypeError(condition)

    def _like(self, value: str, pattern: str, any_case: bool, negated: bool) -> str:
        test = (
            f"{value} {'NOT ' if negated else ''}GLOB {self.arguments.add(patterns.glob(pattern, any_case=any_case))}"
        )
        start = patterns.prefix(pattern)
        if negated or any_case or not start:
            return test
        return f"{value} >= {self.arguments.add(start)} AND {test}"  # an index can be entered there

    def _list(self, values: tuple[Value, ...]) -> str:
        if len(values) > _BOUND_SINGLY and isinstance(values[0], str):
            return f"SELECT value FROM json_each({self.arguments.add(json.dumps(values))})"
        return ", ".join(self.arguments.add(value) for value in values)


def fts(leaf: Matches) -> str:
    """FTS5's own language: words in quotes are never its operators."""
    return " AND ".join([*(f'"{word}"' for word in leaf.words), *(f'"{start}"*' for start in leaf.prefixes)])


def _dataset_column(of: Field) -> str:
    return "i.context" if of.key == "context" else f"d.{of.key}"


def _differs(leaf: Leaf) -> bool:
    """Whether NaN meets it."""
    match leaf:
        case Compare(_, comparison, _):
            return comparison == "!="
        case OneOf(_, _, negated):
            return negated
    return False


def _joined(word: str, parts: list[str], empty: str) -> str:
    return f"({word.join(parts)})" if parts else empty
