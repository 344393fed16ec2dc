"""The tables of the label book."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS places (
    topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deployments (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS segments (
    name TEXT PRIMARY KEY, next INTEGER NOT NULL, request TEXT NOT NULL, row INTEGER NOT NULL, newest INTEGER NOT NULL
    ) WITHOUT ROWID;
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
segments:    of each model server's log: the first row that is not known yet, and how far its last request had got
generations: predictions and labels lie in tables of a limited size each, so that inserting stays as fast as in a small
             table, and letting go of the oldest costs next to nothing
ages:        the newest row of each deployment in a generation
records:     which record the predictions from id `first` on were read from: the kept ones of its rows, from row
             `start` on, in their order. One row a record, so that the place of each prediction costs nothing
joined:      labelled predictions, in the order in which a window reads them
touched:     seconds in which a labelled prediction has changed since its window was measured
"""

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
