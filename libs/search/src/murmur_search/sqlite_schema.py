"""What search needs of the history's SQLite file besides its tables: indexes, and the table of words."""

INDEXES = (
    # By these a search walks in the order asked for and stops when the page is full, or enters by a condition.
    "CREATE INDEX IF NOT EXISTS metrics_by_value ON metrics (experiment, key, is_nan, value, run)",
    "CREATE INDEX IF NOT EXISTS params_by_value ON params (experiment, key, value, run)",
    "CREATE INDEX IF NOT EXISTS tags_by_value ON tags (experiment, key, value, run)",
    "CREATE INDEX IF NOT EXISTS runs_by_start ON runs (experiment, started DESC, id, lifecycle)",
    "CREATE INDEX IF NOT EXISTS runs_by_end ON runs (experiment, ended)",
    "CREATE INDEX IF NOT EXISTS runs_by_name ON runs (experiment, name)",
    "CREATE INDEX IF NOT EXISTS runs_by_user ON runs (experiment, user, started DESC, id)",
    "CREATE INDEX IF NOT EXISTS runs_by_status ON runs (experiment, status, started DESC, id)",
    "CREATE INDEX IF NOT EXISTS inputs_by_dataset ON inputs (dataset, run)",
)

# Words come normalised and apart by spaces; the ascii tokenizer takes every character beyond ASCII for a letter, so
# that FTS5 finds exactly the words that `words.py` found.
TEXT_TABLE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS run_text USING fts5(words, tokenize = 'ascii', detail = none, columnsize = 0)"
)

STATEMENTS = (*INDEXES, TEXT_TABLE)

RUN_COLUMNS = {
    "run_id": "id",
    "run_name": "name",
    "user_id": "user",
    "status": "status",
    "start_time": "started",
    "end_time": "ended",
    "artifact_uri": "artifact_uri",
}
"""The attributes of a run by the columns that keep them."""

WALKED = {
    "started": "runs_by_start",
    "ended": "runs_by_end",
    "name": "runs_by_name",
    "user": "runs_by_user",
    "status": "runs_by_status",
}
"""Columns by whose index runs can be walked in order."""
