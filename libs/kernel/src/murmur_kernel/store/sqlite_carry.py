"""What a store keeps that no event carries, brought into the store that is to take its place."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from murmur_kernel.errors import StoreUnavailable


def carry_over(before: Path, to: Path, *, kinds: Sequence[str]) -> None:
    """Documents of `kinds`, events that are not sent yet, sequence counters, and calls that were answered.

    Both are of this release's schema; `to` is fresh from a rebuild, and nobody writes to either. Raises
    StoreUnavailable; then nothing was carried over.
    """
    try:
        with closing(sqlite3.connect(to, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("ATTACH DATABASE ? AS before", (str(before),))
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                f"""INSERT INTO main.documents (kind, id, version, fields, body)
                    SELECT kind, id, version, fields, body FROM before.documents
                    WHERE kind IN ({", ".join("?" * len(kinds))}) ORDER BY number""",
                tuple(kinds),
            )
            connection.execute("INSERT INTO main.outbox SELECT * FROM before.outbox")
            connection.execute("INSERT OR REPLACE INTO main.sequences SELECT * FROM before.sequences")
            connection.execute("INSERT INTO main.answers SELECT * FROM before.answers")
            connection.execute(
                """INSERT INTO main.inbox (mark, forget_at)
                   SELECT mark, forget_at FROM before.inbox WHERE mark IN (SELECT key FROM before.answers)"""
            )
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"what {before} alone knows cannot be carried over into {to}: {error}") from error
