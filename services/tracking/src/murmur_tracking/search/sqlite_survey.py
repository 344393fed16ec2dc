"""What the index in SQLite holds, told from its indexes alone: how many runs, and which names they have logged."""

import sqlite3

from murmur_tracking.search.entries import CountRuns, Keys, ListKeys, RunCount

_COUNTS = """
    SELECT e.id, count(*), max(r.started) FROM experiments e JOIN runs r ON r.experiment = e.number
    WHERE e.workspace = ? AND r.lifecycle = 'active' GROUP BY e.number"""


def counts(connection: sqlite3.Connection, asked: CountRuns) -> dict[str, RunCount]:
    return {experiment: RunCount(*found) for experiment, *found in connection.execute(_COUNTS, (asked.workspace,))}


def keys(connection: sqlite3.Connection, asked: ListKeys) -> Keys:
    sql = "SELECT number FROM experiments WHERE workspace = ? AND id = ?"
    found = connection.execute(sql, (asked.workspace, asked.experiment)).fetchone()
    if found is None:
        return Keys()

    def names(table: str) -> tuple[str, ...]:
        return tuple(key for (key,) in connection.execute(_distinct(table), (found[0], asked.most)))

    return Keys(params=names("params"), metrics=names("metrics"), tags=names("tags"))


def _distinct(table: str) -> str:
    """Jumps from key to key in the index by value: as many steps as there are keys, however many runs have them."""
    return f"""
        WITH RECURSIVE found (key) AS (
            SELECT min(key) FROM {table} WHERE experiment = ?1
            UNION ALL
            SELECT (SELECT min(key) FROM {table} WHERE experiment = ?1 AND key > found.key)
            FROM found WHERE found.key IS NOT NULL
        )
        SELECT key FROM found WHERE key IS NOT NULL LIMIT ?2"""
