"""A history of many runs: through the door that clients use, or, for stock MLflow, straight into its SQLite."""

import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

from tracked import made
from tracked.driving import Turn, drive
from tracked.protocol import Requests, create_experiment, run_id
from tracked.wire import Address, Connection

Say = Callable[[str], None]
_AT_ONCE = 16
_TRANSACTION = 2_000


def experiment(uri: str) -> str:
    """A new one, for the history."""
    with Connection(Address.of(uri), quick=True) as connection:
        return create_experiment(connection, f"history {time.time_ns()}")


def by_rest(uri: str, experiment: str, begin: int, end: int, say: Say) -> None:
    """Runs begin to end - 1: three calls each, over 16 connections. Raises Refused at the first refusal."""
    address = Address.of(uri)
    requests, numbers = Requests(address), count(begin)

    def turn() -> Turn:
        number = next(numbers)
        if number % 10_000 == 0 and number > begin:
            say(f"{number:,} runs")
        one = made.run(number)
        run = run_id((yield requests.create_run(experiment, one)))
        yield requests.log_run(run, one)
        yield requests.end_run(run, one)

    at_once = min(_AT_ONCE, end - begin)
    done = drive(address, [turn] * at_once, seconds=float("inf"), quick=True, most=end - begin)
    if done.refused:
        raise RuntimeError(
            f"{uri} refused {done.refused} of {end - begin} runs of its history: it is not the same then"
        )


def by_sql(database: Path, experiment: str, begin: int, end: int, say: Say) -> None:
    """The rows that MLflow's own store writes for such a run, in its order of tables; the server may be up."""
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
        for first in range(begin, end, _TRANSACTION):
            numbers = range(first, min(first + _TRANSACTION, end))
            connection.execute("BEGIN IMMEDIATE")
            _insert(connection, int(experiment), [(uuid.uuid4().hex, made.run(number)) for number in numbers])
            connection.execute("COMMIT")
            if numbers.stop % 10_000 == 0:
                say(f"{numbers.stop:,} runs")


def _insert(connection: sqlite3.Connection, experiment: int, runs: list[tuple[str, made.MadeRun]]) -> None:
    connection.executemany(
        "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,"
        " end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)"
        " VALUES (?, ?, 'UNKNOWN', '', '', 'bench', 'FINISHED', ?, ?, '', 'active', ?, ?)",
        [
            (run, one.name, one.started, one.ended, f"mlflow-artifacts:/{experiment}/{run}/artifacts", experiment)
            for run, one in runs
        ],
    )
    connection.executemany(
        "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
        [(key, value, run) for run, one in runs for key, value in one.params.items()],
    )
    always = {"mlflow.user": "bench"}
    connection.executemany(
        "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)",
        [
            (key, value, run)
            for run, one in runs
            for key, value in {**one.tags, **always, "mlflow.runName": one.name}.items()
        ],
    )
    points = [(key, value, one.started, run) for run, one in runs for key, value in one.metrics.items()]
    for table in ("metrics", "latest_metrics"):
        connection.executemany(
            f"INSERT INTO {table} (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, 0, 0)",
            points,
        )


def analyse(database: Path) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        connection.execute("ANALYZE")


def forget_analysis(database: Path) -> None:
    """As shipped again. A changed schema makes the server's connections read it anew."""
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
        for table in ("sqlite_stat1", "sqlite_stat4"):
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                connection.execute(f"DROP TABLE {table}")
