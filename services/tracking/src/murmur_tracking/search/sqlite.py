"""The index in SQLite: rows that differ between a run as it was and as it is are written, no others."""

import math
import sqlite3
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from murmur_search.sqlite import runs_page
from murmur_search.sqlite_schema import STATEMENTS
from murmur_search.sqlite_text import index_text
from murmur_tracking.domain.runs import Last
from murmur_tracking.search.entries import (
    DATASET_CONTEXT,
    Answer,
    CountRuns,
    ExperimentChange,
    FindRuns,
    ListKeys,
    Question,
    RunChange,
    RunRow,
    row_of,
)
from murmur_tracking.search.sqlite_survey import counts, keys

_NOTHING: Mapping[str, Any] = {}


class RunsInSqlite:
    migrations = (files("murmur_tracking.search").joinpath("tables.sql").read_text(), ";".join(STATEMENTS))

    def keep(self, connection: sqlite3.Connection, entry: RunChange | ExperimentChange) -> None:
        match entry:
            case RunChange(before, after):
                _keep_run(connection, row_of(before) if before else None, row_of(after))
            case ExperimentChange(after=after):
                connection.execute(
                    """INSERT INTO experiments (id, workspace, name, lifecycle) VALUES (?, ?, ?, ?)
                       ON CONFLICT (id) DO UPDATE SET name = excluded.name, lifecycle = excluded.lifecycle""",
                    (after.id, after.workspace, after.name, "deleted" if after.deleted else "active"),
                )

    def answer(self, connection: sqlite3.Connection, question: Question) -> Answer:
        """Raises TokenRefused."""
        match question:
            case FindRuns(query):
                return runs_page(connection, query)
            case CountRuns():
                return counts(connection, question)
            case ListKeys():
                return keys(connection, question)


def _keep_run(connection: sqlite3.Connection, before: RunRow | None, after: RunRow) -> None:
    if before is None:
        number, experiment = _added(connection, after)
    else:
        sql = "SELECT number, experiment FROM runs WHERE id = ?"
        number, experiment = connection.execute(sql, (after.id,)).fetchone()
        if _line(before) != _line(after):
            connection.execute(
                """UPDATE runs SET name = ?, user = ?, status = ?, lifecycle = ?, started = ?, ended = ?,
                   artifact_uri = ?, note = ? WHERE number = ?""",
                (*_line(after), number),
            )
    _keep_texts(connection, "params", number, experiment, before.params if before else _NOTHING, after.params)
    _keep_texts(connection, "tags", number, experiment, before.tags if before else _NOTHING, after.tags)
    _keep_metrics(connection, number, experiment, before.metrics if before else _NOTHING, after.metrics)
    if after.datasets != (before.datasets if before else ()):
        _keep_datasets(connection, number, experiment, after)
    if before is None or (before.name, before.tags) != (after.name, after.tags):
        index_text(connection, [number])


def _added(connection: sqlite3.Connection, run: RunRow) -> tuple[int, int]:
    """The numbers of a run of which nothing was read, and of its experiment. What was kept of it before goes."""
    connection.execute(
        "INSERT OR IGNORE INTO experiments (id, workspace, name, lifecycle) VALUES (?, ?, '', 'active')",
        (run.experiment, run.workspace),
    )
    (experiment,) = connection.execute("SELECT number FROM experiments WHERE id = ?", (run.experiment,)).fetchone()
    found = connection.execute("SELECT number FROM runs WHERE id = ?", (run.id,)).fetchone()
    if found:
        for table in ("params", "tags", "metrics", "inputs"):
            connection.execute(f"DELETE FROM {table} WHERE run = ?", found)
        connection.execute("DELETE FROM runs WHERE number = ?", found)
    cursor = connection.execute(
        """INSERT INTO runs (number, id, experiment, workspace, name, user, status, lifecycle, started, ended,
           artifact_uri, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (found[0] if found else None, run.id, experiment, run.workspace, *_line(run)),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid, experiment


def _line(run: RunRow) -> tuple[Any, ...]:
    return run.name, run.user, run.status, run.lifecycle, run.started, run.ended, run.artifact_uri, run.note


def _keep_texts(
    connection: sqlite3.Connection,
    table: str,
    run: int,
    experiment: int,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> None:
    connection.executemany(
        f"""INSERT INTO {table} VALUES (?, ?, ?, ?)
            ON CONFLICT (run, key) DO UPDATE SET value = excluded.value""",
        [(run, key, value, experiment) for key, value in _changed(before, after)],
    )
    gone = [(run, key) for key in before.keys() - after.keys()]
    connection.executemany(f"DELETE FROM {table} WHERE run = ? AND key = ?", gone)


def _keep_metrics(
    connection: sqlite3.Connection, run: int, experiment: int, before: Mapping[str, Last], after: Mapping[str, Last]
) -> None:
    connection.executemany(
        """INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, key) DO UPDATE SET
           value = excluded.value, is_nan = excluded.is_nan, step = excluded.step, time = excluded.time""",
        [
            (run, key, 0.0 if math.isnan(value) else value, math.isnan(value), step, time, experiment)
            for key, (step, time, value) in _changed(before, after)
        ],
    )


def _keep_datasets(connection: sqlite3.Connection, run: int, experiment: int, after: RunRow) -> None:
    connection.execute("DELETE FROM inputs WHERE run = ?", (run,))
    for one in after.datasets:
        place = (experiment, one.name, one.digest)
        connection.execute("INSERT OR IGNORE INTO datasets (experiment, name, digest) VALUES (?, ?, ?)", place)
        connection.execute(
            """INSERT OR REPLACE INTO inputs SELECT ?4, number, ?5 FROM datasets
               WHERE experiment = ?1 AND name = ?2 AND digest = ?3""",
            (*place, run, one.tags.get(DATASET_CONTEXT)),
        )


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return after.items() if not before else ((key, value) for key, value in after.items() if before.get(key) != value)
