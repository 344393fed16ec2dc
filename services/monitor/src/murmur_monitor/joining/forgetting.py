"""What the book lets go of, so that it keeps within its bounds, and what it counts while it does.

A prediction goes once no label for it could be in time any more, a label once its prediction will not come, a labelled
row with the last window that could be measured again. Where there is no room, the oldest go before their time.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from murmur_monitor.domain.windows import Millis
from murmur_monitor.joining.generations import Generations, Kind
from murmur_monitor.joining.joins import WAITS

_JOINED_AT_ONCE = 50_000
_SEGMENTS_MS = 30 * 24 * 3600 * 1000
"""How long a segment is remembered after its newest row: longer than its topic keeps a batch that is read again."""


@dataclass(frozen=True)
class Forgotten:
    """Rows that went. let_go: predictions whose labels could still have come."""

    unmatched: int
    let_go: int


def forget(
    book: sqlite3.Connection,
    *,
    size: int,
    before: Mapping[str, Millis],
    windows_before: Mapping[str, Millis],
    most_rows: int,
) -> Forgotten:
    """before: predictions older than that no label can join. windows_before: windows that end by then are not measured
    again. Inside a transaction."""
    ids = dict(book.execute("SELECT name, id FROM deployments").fetchall())
    old = {ids[name]: moment for name, moment in before.items() if name in ids}
    generations = Generations(book, size=size)
    kinds: tuple[Kind, ...] = ("predictions", "labels")
    unmatched = let_go = 0
    for kind in kinds:
        for number in [*generations.outdated(kind, old)]:
            unmatched += _count_unmatched(book, number) if kind == "labels" else 0
            generations.drop([number], kind)
    while generations.rows() > most_rows and (oldest := generations.oldest()) is not None:
        number, kind = oldest
        if kind == "labels":
            unmatched += _count_unmatched(book, number)
        else:
            let_go += _count(book, number, "predictions", "let_go", "1")
        generations.drop([number], kind)
    for name, moment in windows_before.items():
        if name in ids:
            _forget_joined(book, ids[name], moment)
    if old:
        book.execute("DELETE FROM segments WHERE newest < ?", (min(old.values()) - _SEGMENTS_MS,))
    return Forgotten(unmatched, let_go)


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


def _forget_joined(book: sqlite3.Connection, deployment: int, before: Millis) -> None:
    """Some at a time: the rest with the next call."""
    query = "SELECT version FROM joined WHERE deployment = ? AND version > ? ORDER BY version LIMIT 1"
    version = 0
    while (found := book.execute(query, (deployment, version)).fetchone()) is not None:
        version = found[0]
        book.execute(
            "DELETE FROM joined WHERE deployment = ?1 AND version = ?2 AND time < coalesce((SELECT time FROM joined"
            " WHERE deployment = ?1 AND version = ?2 AND time < ?3 ORDER BY time LIMIT 1 OFFSET ?4), ?3)",
            (deployment, version, before, _JOINED_AT_ONCE),
        )
        book.execute(
            "DELETE FROM touched WHERE deployment = ? AND version = ? AND second < ?",
            (deployment, version, before // 1000 - 1),
        )
