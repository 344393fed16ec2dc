"""What the book lets go of, so that it keeps within its bounds, and what it counts while it does.

A prediction goes once no label for it could be in time any more, a label once its prediction will not come, a labelled
row with the last window that could be measured again. Where there is no room, the oldest go before their time.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from murmur_monitor.domain.windows import Millis
from murmur_monitor.joining.generations import Generations, Kind
from murmur_monitor.joining.joins import WAITS

_SEGMENTS_MS = 30 * 24 * 3600 * 1000
"""How long a segment is remembered after its newest row: longer than its topic keeps a batch that is read again."""


@dataclass(frozen=True)
class Forgotten:
    """Rows that went. let_go: predictions whose labels could still have come."""

    unmatched: int = 0
    let_go: int = 0

    def __add__(self, other: "Forgotten") -> "Forgotten":
        return Forgotten(self.unmatched + other.unmatched, self.let_go + other.let_go)


@dataclass(frozen=True)
class TooMuch:
    """The generation that is to make room. reach: up to when it holds predictions of each deployment."""

    generation: int
    kind: Kind
    reach: Mapping[str, Millis] = field(default_factory=dict)


def forget_outdated(book: sqlite3.Connection, *, size: int, before: Mapping[str, Millis]) -> Forgotten:
    """before: predictions older than that no label can join. Inside a transaction."""
    ids = dict(book.execute("SELECT name, id FROM deployments").fetchall())
    old = {ids[name]: moment for name, moment in before.items() if name in ids}
    generations = Generations(book, size=size)
    kinds: tuple[Kind, ...] = ("predictions", "labels")
    unmatched = 0
    for kind in kinds:
        for number in [*generations.outdated(kind, old)]:
            unmatched += _count_unmatched(book, number) if kind == "labels" else 0
            generations.drop([number], kind)
    if old:
        book.execute("DELETE FROM segments WHERE newest < ?", (min(old.values()) - _SEGMENTS_MS,))
    return Forgotten(unmatched)


def beyond(book: sqlite3.Connection, *, size: int, most_rows: int) -> TooMuch | None:
    """None where the book keeps within `most_rows`, or cannot be smaller."""
    generations = Generations(book, size=size)
    labelled = book.execute("SELECT value FROM numbers WHERE name = 'joined'").fetchone()[0]
    oldest = generations.oldest() if generations.rows() + labelled > most_rows else None
    if oldest is None:
        return None
    number, kind = oldest
    query = "SELECT name, newest FROM ages JOIN deployments ON id = deployment WHERE generation = ?"
    return TooMuch(number, kind, dict(book.execute(query, (number,)).fetchall()) if kind == "predictions" else {})


def make_room(book: sqlite3.Connection, much: TooMuch, *, size: int) -> Forgotten:
    """Inside a transaction."""
    if much.kind == "labels":
        gone = Forgotten(unmatched=_count_unmatched(book, much.generation))
    else:
        gone = Forgotten(let_go=_count(book, much.generation, "predictions", "let_go", "1"))
    Generations(book, size=size).drop([much.generation], much.kind)
    return gone


def forget_joined(book: sqlite3.Connection, deployment: str, before: Millis, *, at_once: int) -> bool:
    """About `at_once` of the labelled predictions that are older. True where there are more. Inside a transaction."""
    query = (
        "SELECT deployment, version FROM joined WHERE deployment = (SELECT id FROM deployments WHERE name = ?)"
        " AND version > ? ORDER BY version LIMIT 1"
    )
    version = -1
    while (found := book.execute(query, (deployment, version)).fetchone()) is not None:
        number, version = found
        gone = book.execute(
            "DELETE FROM joined WHERE deployment = ?1 AND version = ?2 AND time <= coalesce((SELECT time FROM joined"
            " WHERE deployment = ?1 AND version = ?2 AND time < ?3 ORDER BY time LIMIT 1 OFFSET ?4), ?3 - 1)",
            (number, version, before, at_once - 1),
        ).rowcount
        book.execute("UPDATE numbers SET value = value - ? WHERE name = 'joined'", (gone,))
        if gone >= at_once:
            return True
        book.execute(
            "DELETE FROM touched WHERE deployment = ? AND version = ? AND second < ?",
            (number, version, before // 1000 - 1),
        )
    return False


def _count_unmatched(book: sqlite3.Connection, number: int) -> int:
    return _count(book, number, "labels", "unmatched", f"state = {WAITS}")


def _count(book: sqlite3.Connection, number: int, kind: Kind, what: str, where: str) -> int:
    found = book.execute(
        f"SELECT deployment, count(*) FROM {kind}_{number} WHERE {where} GROUP BY deployment"
    ).fetchall()
    book.executemany(
        "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
        [(deployment, what, rows) for deployment, rows in found],
    )
    return sum(rows for _, rows in found)
