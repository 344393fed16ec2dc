-- What runs are searched by. Derived from the documents, and changed in the transactions that save them.
CREATE TABLE experiments (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, workspace TEXT NOT NULL, name TEXT NOT NULL,
    lifecycle TEXT NOT NULL
);
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, experiment INTEGER NOT NULL, workspace TEXT NOT NULL,
    name TEXT NOT NULL, user TEXT NOT NULL, status TEXT NOT NULL, lifecycle TEXT NOT NULL, started INTEGER NOT NULL,
    ended INTEGER, artifact_uri TEXT NOT NULL, note TEXT NOT NULL
);
CREATE TABLE params (
    run INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, experiment INTEGER NOT NULL, PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE TABLE tags (
    run INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, experiment INTEGER NOT NULL, PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE TABLE metrics (
    run INTEGER NOT NULL, key TEXT NOT NULL, value REAL NOT NULL, is_nan INTEGER NOT NULL, step INTEGER NOT NULL,
    time INTEGER NOT NULL, experiment INTEGER NOT NULL, PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE TABLE datasets (
    number INTEGER PRIMARY KEY, experiment INTEGER NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,
    UNIQUE (experiment, name, digest)
);
CREATE TABLE inputs (
    run INTEGER NOT NULL, dataset INTEGER NOT NULL, context TEXT, PRIMARY KEY (run, dataset)
) WITHOUT ROWID;
