"""The table of words of runs, kept up in the transaction that changes names, notes or tags."""

import sqlite3
from collections.abc import Iterable

from murmur_search.words import text_of


def index_text(connection: sqlite3.Connection, runs: Iterable[int]) -> None:
    """Writes the words of these runs (by number) anew, from what `runs` and `tags` say; deleted rows lose theirs."""
    for number in runs:
        kept = connection.execute("SELECT words FROM run_text WHERE rowid = ?", (number,)).fetchone()
        words = _words(connection, number)
        if words == (kept[0] if kept else None):
            continue
        if kept:
            connection.execute("DELETE FROM run_text WHERE rowid = ?", (number,))
        if words is not None:
            connection.execute("INSERT INTO run_text (rowid, words) VALUES (?, ?)", (number, words))


def _words(connection: sqlite3.Connection, number: int) -> str | None:
    run = connection.execute("SELECT name, note FROM runs WHERE number = ?", (number,)).fetchone()
    if run is None:
        return None
    tags = connection.execute("SELECT key, value FROM tags WHERE run = ?", (number,))
    return " ".join(sorted(text_of(run[0], run[1], dict(tags.fetchall()))))
