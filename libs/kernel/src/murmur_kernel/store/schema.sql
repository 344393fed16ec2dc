-- The tables of one service's SQLite store. Applied once, as migration 1; later changes are migrations of their own.
CREATE TABLE documents (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    fields  TEXT NOT NULL,
    body    TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE TABLE inbox (mark TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE answers (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE outbox (position INTEGER PRIMARY KEY AUTOINCREMENT, envelope TEXT NOT NULL, time TEXT NOT NULL);
CREATE TABLE sequences (
    aggregate TEXT NOT NULL, key TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (aggregate, key)
) WITHOUT ROWID;
CREATE TABLE jobs (
    id             TEXT PRIMARY KEY,
    kind           TEXT NOT NULL,
    payload        TEXT NOT NULL,
    due            REAL NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id   TEXT,
    attempt        INTEGER NOT NULL,
    state          TEXT NOT NULL,
    error          TEXT NOT NULL,
    owner          TEXT NOT NULL DEFAULT '',
    lease_until    REAL NOT NULL DEFAULT 0
);
CREATE INDEX jobs_due ON jobs (kind, state, due);
CREATE TABLE leases (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE parked (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    topic    TEXT NOT NULL,
    key      TEXT NOT NULL,
    record   TEXT NOT NULL,
    awaits   TEXT NOT NULL,
    deadline REAL NOT NULL,
    ready    INTEGER NOT NULL
);
CREATE INDEX parked_awaits ON parked (awaits);
CREATE INDEX parked_key ON parked (topic, key);
CREATE TABLE dead_letters (
    id     TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    error  TEXT NOT NULL,
    reason TEXT NOT NULL,
    at     TEXT NOT NULL
);
