"""The tables in which predictions and labels wait for each other: which is written to, which ones may hold a key."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from murmur_monitor.domain.windows import Millis
from murmur_monitor.joining.schema import LABELS, PREDICTIONS

Kind = Literal["predictions", "labels"]

_TABLE = {"predictions": PREDICTIONS, "labels": LABELS}


class Generations:
    """Inside the transaction of whoever calls. A generation is full at about `size` rows."""

    def __init__(self, connection: sqlite3.Connection, *, size: int) -> None:
        self._connection = connection
        self._size = size

    def current(self, kind: Kind) -> int:
        """The one to write to; a new one where the newest is full."""
        newest = self._connection.execute(
            "SELECT number, rows FROM generations WHERE kind = ? ORDER BY number DESC LIMIT 1", (kind,)
        ).fetchone()
        if newest is not None and newest[1] < self._size:
            return int(newest[0])
        number = self._connection.execute("SELECT coalesce(max(number), 0) + 1 FROM generations").fetchone()[0]
        self._connection.execute("INSERT INTO generations VALUES (?, ?, 0)", (number, kind))
        for statement in filter(str.strip, _TABLE[kind].format(number=number).split(";")):
            self._connection.execute(statement)
        return int(number)

    def numbers(self, kind: Kind, *, since: Millis | None = None) -> list[int]:
        """Oldest first; `since`: only those that hold anything from then on."""
        if since is None:
            found = self._connection.execute("SELECT number FROM generations WHERE kind = ? ORDER BY number", (kind,))
        else:
            found = self._connection.execute(
                "SELECT number FROM generations WHERE kind = ? AND number IN"
                " (SELECT generation FROM ages WHERE newest >= ?) ORDER BY number",
                (kind, since),
            )
        return [number for (number,) in found]

    def grew(self, number: int, rows: int, newest: Mapping[int, Millis]) -> None:
        """newest: the newest row of each deployment."""
        self._connection.execute("UPDATE generations SET rows = rows + ? WHERE number = ?", (rows, number))
        self._connection.executemany(
            "INSERT INTO ages VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET newest = max(newest, excluded.newest)",
            [(number, deployment, time) for deployment, time in newest.items()],
        )

    def rows(self) -> int:
        return int(self._connection.execute("SELECT coalesce(sum(rows), 0) FROM generations").fetchone()[0])

    def oldest(self) -> tuple[int, Kind] | None:
        """The first to go where there is no room; None where there is but one of each kind."""
        found = self._connection.execute(
            "SELECT number, kind FROM generations AS one WHERE EXISTS"
            " (SELECT 1 FROM generations AS other WHERE other.kind = one.kind AND other.number > one.number)"
            " ORDER BY number LIMIT 1"
        ).fetchone()
        return None if found is None else (found[0], found[1])

    def outdated(self, kind: Kind, before: Mapping[int, Millis]) -> Iterator[int]:
        """Those that hold nothing as young as `before` says for each deployment."""
        for number in self.numbers(kind):
            ages = self._connection.execute("SELECT deployment, newest FROM ages WHERE generation = ?", (number,))
            if all(newest < before.get(deployment, 0) for deployment, newest in ages.fetchall()):
                yield number

    def drop(self, numbers: Iterable[int], kind: Kind) -> None:
        for number in numbers:
            self._connection.execute(f"DROP TABLE {kind}_{number}")
            self._connection.execute("DELETE FROM ages WHERE generation = ?", (number,))
            self._connection.execute("DELETE FROM records WHERE generation = ?", (number,))
            self._connection.execute("DELETE FROM generations WHERE number = ?", (number,))
