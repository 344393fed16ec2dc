"""Keys and values that the history has, for completion: by leaps through an index, a leap for each that is found."""

import sqlite3
from collections.abc import Iterable, Sequence

from murmur_search.nodes import Field, Kind
from murmur_search.schemas import RUNS
from murmur_search.sqlite_schema import RUN_COLUMNS, WALKED
from murmur_search.sqlite_where import TABLES


def known_keys(
    connection: sqlite3.Connection, workspace: str, experiments: Iterable[str], kind: Kind, *, limit: int = 500
) -> Sequence[str]:
    """Of metrics, params or tags of these experiments, in order of the alphabet; none of other kinds."""
    if kind not in TABLES:
        return []
    return _found(connection, workspace, experiments, f"{TABLES[kind]} WHERE experiment = :e", "key", {}, limit)


def known_values(
    connection: sqlite3.Connection, workspace: str, experiments: Iterable[str], of: Field, *, limit: int = 100
) -> Sequence[str]:
    """Texts of a param, a tag or an indexed attribute. Of data sets and numbers none."""
    if of.kind in (Kind.PARAM, Kind.TAG):
        rows = f"{TABLES[of.kind]} WHERE experiment = :e AND key = :k"
        return _found(connection, workspace, experiments, rows, "value", {"k": of.key}, limit)
    column = RUN_COLUMNS.get(of.key, "") if of.kind is Kind.ATTRIBUTE else ""
    if column not in WALKED or RUNS.type_of(of) == "number":
        return []
    return _found(connection, workspace, experiments, "runs WHERE experiment = :e", column, {}, limit)


def _found(
    connection: sqlite3.Connection,
    workspace: str,
    experiments: Iterable[str],
    rows: str,
    column: str,
    more: dict[str, str],
    limit: int,
) -> list[str]:
    sql = f"""WITH RECURSIVE found (it) AS (
            SELECT min({column}) FROM {rows}
            UNION ALL
            SELECT (SELECT min({column}) FROM {rows} AND {column} > found.it) FROM found WHERE found.it IS NOT NULL
            LIMIT :n
        ) SELECT it FROM found WHERE it IS NOT NULL"""
    found: set[str] = set()
    for experiment in experiments:
        number = "SELECT number FROM experiments WHERE workspace = ? AND id = ?"
        for (at,) in connection.execute(number, (workspace, experiment)).fetchall():
            found.update(row[0] for row in connection.execute(sql, {"e": at, "n": limit, **more}))
    return sorted(found)[:limit]
