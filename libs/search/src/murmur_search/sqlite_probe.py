"""How many runs meet a condition, counted in an index up to a bound: by that a search is planned."""

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from murmur_search.nodes import Compare, Field, Kind, Like, Matches, OneOf
from murmur_search.normal import Condition, Normal, is_sure_of
from murmur_search.patterns import prefix
from murmur_search.sqlite_schema import RUN_COLUMNS, WALKED
from murmur_search.sqlite_where import TABLES, Arguments, Scope, fts

_PROBES = 8
_UNKNOWN = 0.5  # the share of runs that meet a condition of which no index knows


@dataclass(frozen=True)
class Probe:
    """`found` runs meet these conditions, or more where it is `bound`. None where no index tells."""

    conditions: tuple[Condition, ...]
    found: int | None
    bound: int

    @property
    def exact(self) -> bool:
        return self.found is not None and self.found < self.bound

    @property
    def field(self) -> Field | None:
        return self.conditions[0].field

    def share(self, runs: int) -> float:
        if self.found is None:
            return _UNKNOWN
        if not self.exact:
            return math.sqrt(min(1.0, self.bound / max(runs, 1)))  # between that and all
        return self.found / max(runs, 1)


def probe(
    connection: sqlite3.Connection, experiment: int, needed: Sequence[Normal], bound: int, *, thorough: bool = False
) -> list[Probe]:
    """The rarest first. Conditions on one field are one: together they may be a narrow range.

    thorough: also those for which all values of a key must be read, if only in an index.
    """
    groups: dict[Field | Condition, list[Condition]] = {}
    for one in needed:
        if isinstance(one, Condition) and is_sure_of(one):
            groups.setdefault(one.field or one, []).append(one)
    probes = []
    for count, group in enumerate(groups.values()):
        known = count < _PROBES and any(_indexed(one, thorough) for one in group)
        found = _count(connection, experiment, group, bound) if known else None
        probes.append(Probe(tuple(group), found, bound))
    return sorted(probes, key=lambda one: bound if one.found is None else one.found)


def runs_of(connection: sqlite3.Connection, experiment: int, bound: int) -> int:
    """About how many runs there are: exact below the bound, else at most as many."""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_by_start WHERE experiment = ? LIMIT {bound})"
    (some,) = connection.execute(sql, (experiment,)).fetchone()
    if some < bound:
        return int(some)
    return int(connection.execute("SELECT max(number) FROM runs").fetchone()[0])


def _indexed(condition: Condition, thorough: bool) -> bool:
    of, leaf = condition.field, condition.leaf
    if of is not None and of.kind is Kind.ATTRIBUTE and of.key != "run_id" and RUN_COLUMNS[of.key] not in WALKED:
        return False
    if isinstance(leaf, Matches) or (of is not None and of.kind is Kind.DATASET):
        return not condition.denied
    if thorough:
        return True
    match leaf:
        case Compare(_, comparison, _):
            return (comparison == "=" and not condition.denied) or comparison not in ("=", "!=")
        case OneOf(_, _, negated):
            return negated is condition.denied
        case Like(_, pattern, any_case, negated):
            return negated is condition.denied and not any_case and prefix(pattern) != ""
    return False


def _count(connection: sqlite3.Connection, experiment: int, group: Sequence[Condition], bound: int) -> int:
    arguments = Arguments()
    of, leaf = group[0].field, group[0].leaf
    here = arguments.add(experiment)
    if isinstance(leaf, Matches):
        rows = f"run_text WHERE run_text MATCH {arguments.add(fts(leaf))}"
    elif of is None or of.kind is Kind.ATTRIBUTE:
        scope = Scope(arguments, "r.number", {})
        rows = f"runs r WHERE r.experiment = {here} AND {' AND '.join(scope.sql(one) for one in group)}"
    elif of.kind is Kind.DATASET:
        test = Scope(arguments, "i.run", {}).dataset_test(group[0])
        rows = f"datasets d JOIN inputs i ON i.dataset = d.number WHERE d.experiment = {here} AND {test}"
    else:
        scope = Scope(arguments, "x.run", {of: "x"})
        tests = " AND ".join(scope.sql(one) for one in group)
        rows = f"{TABLES[of.kind]} x WHERE x.experiment = {here} AND x.key = {arguments.add(of.key)} AND {tests}"
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT {bound})"
    return int(connection.execute(sql, arguments.values).fetchone()[0])
