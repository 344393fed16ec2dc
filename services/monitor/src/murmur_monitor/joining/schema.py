"""The tables of the label book."""

import sqlite3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS places (
    topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deployments (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS segments (
    name TEXT PRIMARY KEY, next INTEGER NOT NULL, request TEXT NOT NULL, row INTEGER NOT NULL, newest INTEGER NOT NULL,
    time INTEGER NOT NULL DEFAULT -1) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS generations (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, rows INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ages (
    generation INTEGER, deployment INTEGER, newest INTEGER NOT NULL,
    PRIMARY KEY (generation, deployment)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    generation INTEGER, first INTEGER, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL, start INTEGER NOT NULL,
    PRIMARY KEY (generation, first)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS joined (
    deployment INTEGER, version INTEGER, time INTEGER, prediction INTEGER,
    output REAL NOT NULL, label REAL NOT NULL, clicks INTEGER NOT NULL, known INTEGER NOT NULL,
    PRIMARY KEY (deployment, version, time, prediction)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS touched (
    deployment INTEGER, version INTEGER, second INTEGER, change INTEGER NOT NULL,
    PRIMARY KEY (deployment, version, second)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (
    deployment INTEGER, what TEXT, rows INTEGER NOT NULL, PRIMARY KEY (deployment, what)) WITHOUT ROWID;
"""
"""places:      where reading goes on
numbers:     the last change, the last prediction, and how many rows `joined` has, since counting them takes minutes
segments:    of each model server's log: the first row that is not known yet, and how far its last request had got
             (`request` is empty where nothing can continue it; `time` is that of its rows)
generations: predictions and labels lie in tables of a limited size each, so that inserting stays as fast as in a small
             table, and letting go of the oldest costs next to nothing
ages:        the newest row of each deployment in a generation
records:     which record the predictions from id `first` on were read from: the kept ones of its rows, from row
             `start` on, in their order. One row a record, so that the place of each prediction costs nothing
joined:      labelled predictions, in the order in which a window reads them
touched:     seconds in which a labelled prediction has changed since its window was measured
"""


def prepare(book: sqlite3.Connection) -> None:
    """Makes the tables, and brings those of an older release up to date."""
    book.executescript(_SCHEMA)
    if "time" not in {column for _, column, *_ in book.execute("PRAGMA table_info(segments)")}:
        book.execute("ALTER TABLE segments ADD COLUMN time INTEGER NOT NULL DEFAULT -1")
    if not book.execute("SELECT 1 FROM numbers WHERE name = 'joined'").fetchone():
        book.execute("INSERT INTO numbers SELECT 'joined', count(*) FROM joined")


PREDICTIONS = """
CREATE TABLE predictions_{number} (
    id INTEGER PRIMARY KEY, key INTEGER NOT NULL, deployment INTEGER NOT NULL, version INTEGER NOT NULL,
    time INTEGER NOT NULL, output REAL NOT NULL);
CREATE INDEX predictions_{number}_by_key ON predictions_{number} (key);
"""

LABELS = """
CREATE TABLE labels_{number} (
    key INTEGER PRIMARY KEY, deployment INTEGER NOT NULL, label REAL NOT NULL, clicks INTEGER NOT NULL,
    known INTEGER NOT NULL, arrived INTEGER NOT NULL, state INTEGER NOT NULL);
"""
"""state: 0 waits for its prediction, 1 joined, 2 came too late"""
