"""A history for tests of search: tracking's tables, random runs, and the same runs as entities and documents."""

import json
import math
import random
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from murmur_search.evaluate import Entity
from murmur_search.sqlite_schema import STATEMENTS
from murmur_search.sqlite_text import index_text
from murmur_search.words import text_of

TABLES = """
CREATE TABLE experiments (number INTEGER PRIMARY KEY, id TEXT UNIQUE, workspace TEXT, name TEXT, artifact_location TEXT,
    lifecycle TEXT, created INTEGER, updated INTEGER, UNIQUE (workspace, name));
CREATE TABLE runs (number INTEGER PRIMARY KEY, id TEXT UNIQUE, experiment INTEGER, workspace TEXT, name TEXT, user TEXT,
    status TEXT, lifecycle TEXT, started INTEGER, ended INTEGER, artifact_uri TEXT, note TEXT);
CREATE TABLE params (run INTEGER, key TEXT, value TEXT, experiment INTEGER, PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE TABLE tags (run INTEGER, key TEXT, value TEXT, experiment INTEGER, PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE TABLE metrics (run INTEGER, key TEXT, value REAL, is_nan INTEGER, step INTEGER, time INTEGER, experiment INTEGER,
    PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE TABLE datasets (number INTEGER PRIMARY KEY, experiment INTEGER, name TEXT, digest TEXT, source_type TEXT,
    source TEXT, schema TEXT, profile TEXT, UNIQUE (experiment, name, digest));
CREATE TABLE inputs (run INTEGER, dataset INTEGER, context TEXT, tags TEXT, PRIMARY KEY (run, dataset)) WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    id: str
    experiment: str = "1"
    lifecycle: str = "active"
    name: str | None = None
    user: str | None = None
    status: str = "FINISHED"
    started: int | None = 0
    ended: int | None = None
    artifact_uri: str | None = None
    note: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: tuple[dict[str, str | None], ...] = ()

    @cached_property
    def entity(self) -> Entity:
        return Entity(
            attributes={
                "run_id": self.id,
                "run_name": self.name,
                "user_id": self.user,
                "status": self.status,
                "start_time": self.started,
                "end_time": self.ended,
                "artifact_uri": self.artifact_uri,
            },
            metrics=self.metrics,
            params=self.params,
            tags=self.tags,
            datasets=self.datasets,
            words=text_of(self.name, self.note, self.tags),
        )


class Counting(sqlite3.Connection):
    """Counts the steps of SQLite's machine, in tens, once it is asked to; no handler of anybody is called then."""

    tens = 0
    _counting = False

    def count(self) -> None:
        super().set_progress_handler(self._ten, 10)
        self._counting = True

    def set_progress_handler(self, handler: Callable[[], int | None] | None, n: int) -> None:
        if not self._counting:
            super().set_progress_handler(handler, n)

    def _ten(self) -> int:
        self.tens += 1
        return 0


def open_history(experiments: Sequence[str] = ("0", "1", "2"), *, path: Path | None = None) -> Counting:
    """A new history in memory, or that of a file, which is made where there is none."""
    exists = path is not None and path.exists()
    connection = sqlite3.connect(path or ":memory:", factory=Counting)
    if exists:
        return connection
    connection.executescript("PRAGMA journal_mode = WAL;" + TABLES)
    for statement in STATEMENTS:
        connection.execute(statement)
    for number, experiment in enumerate(experiments, 1):
        row = (number, experiment, "default", f"experiment {experiment}", "active")
        connection.execute(
            "INSERT INTO experiments (number, id, workspace, name, lifecycle) VALUES (?, ?, ?, ?, ?)", row
        )
    connection.commit()
    return connection


def insert(connection: sqlite3.Connection, runs: Sequence[Run]) -> None:
    for run in runs:
        (at,) = connection.execute("SELECT number FROM experiments WHERE id = ?", (run.experiment,)).fetchone()
        row = (run.id, at, "default", run.name, run.user, run.status, run.lifecycle, run.started, run.ended)
        number = connection.execute(
            "INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, run.artifact_uri, run.note)
        ).lastrowid
        assert number is not None
        for table, texts in (("params", run.params), ("tags", run.tags)):
            rows = [(number, key, text, at) for key, text in texts.items()]
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", rows)
        for key, value in run.metrics.items():
            nan = math.isnan(value)
            connection.execute(
                "INSERT INTO metrics VALUES (?, ?, ?, ?, 0, 0, ?)", (number, key, 0.0 if nan else value, int(nan), at)
            )
        for dataset in run.datasets:
            what = (at, dataset["name"], dataset["digest"])
            connection.execute("INSERT OR IGNORE INTO datasets (experiment, name, digest) VALUES (?, ?, ?)", what)
            sql = "SELECT number FROM datasets WHERE experiment = ? AND name = ? AND digest = ?"
            (found,) = connection.execute(sql, what).fetchone()
            connection.execute(
                "INSERT INTO inputs VALUES (?, ?, ?, ?)", (number, found, dataset["context"], json.dumps({}))
            )
        index_text(connection, [number])


WORDS = ("alpha", "beta", "Gamma", "Größe", "a%b", "x_y", "it's", "", "ÄPFEL", "line\nbreak", "[z]*?", "end\n")
NUMBERS = (0.0, -1.0, 1.0, 0.5, 0.25, 1e-300, -1e300, math.inf, -math.inf, math.nan, 3.0)


def random_run(rng: random.Random, number: int) -> Run:
    def some(keys: str, values: Sequence[str]) -> dict[str, str]:
        return {key: rng.choice(values) for key in keys if rng.random() < 0.6}

    datasets = {
        (name, digest): {"name": name, "digest": digest, "context": rng.choice(("train", "eval", None))}
        for name, digest in [(rng.choice(("iris", "Wine")), rng.choice(("d1", "d2"))) for _ in range(rng.randrange(3))]
    }
    return Run(
        id=f"{rng.randrange(16**6):06x}{number:04d}",
        experiment=rng.choice(("0", "1", "1", "1", "2")),
        lifecycle=rng.choice(("active",) * 5 + ("deleted",)),
        name=rng.choice((*WORDS, None)),
        user=rng.choice(("ann", "Bob", None)),
        status=rng.choice(("RUNNING", "FINISHED", "FAILED")),
        started=rng.choice((*range(8), None)),
        ended=rng.choice((*range(5), None)),
        artifact_uri=rng.choice((f"file:///{number}", None)),
        note=rng.choice((None, "a note about Äpfel", "learning rates")),
        metrics={key: rng.choice(NUMBERS) for key in ("m", "n", "a b.c") if rng.random() < 0.7},
        params=some("pq", WORDS),
        tags=some("tu", WORDS) | ({"mlflow.parentRunId": "x"} if rng.random() < 0.3 else {}),
        datasets=tuple(datasets.values()),
    )
