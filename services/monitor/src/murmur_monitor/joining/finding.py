"""Finds a prediction in the book by its name: what is known of it, its label, and the record that holds its row."""

import sqlite3
from dataclasses import dataclass

from murmur_monitor.domain.labels import key_of
from murmur_monitor.domain.windows import Millis
from murmur_monitor.joining.generations import Generations
from murmur_monitor.joining.joins import TOO_LATE
from murmur_monitor.joining.rows import Predictions, RecordPlace

MOST_FOUND = 20
"""Of one name, the newest: a client that gives all its requests one id gets no more than these."""


@dataclass(frozen=True)
class FoundLabel:
    """known: when it became known. too_late: it does not count."""

    value: float
    clicks: bool
    known: Millis
    too_late: bool


@dataclass(frozen=True)
class InRecord:
    """The `number`-th (from 0) of the rows that are kept of a record, counted from row `start` on."""

    record: RecordPlace
    start: int
    number: int

    def row_in(self, batch: Predictions) -> int:
        """Which row of the record it is. Raises IndexError where the record is another than was read."""
        kept = [place for place in range(self.start, len(batch.request_ids)) if batch.keeps(place)]
        return kept[self.number]


@dataclass(frozen=True)
class Found:
    """place: None for a prediction that was read by a monitor that kept no places."""

    version: int
    time: Millis
    output: float
    place: InRecord | None
    label: FoundLabel | None


def find(book: sqlite3.Connection, deployment: str, name: str) -> list[Found]:
    """Newest first: of a request that was repeated, or copied to a shadow, each attempt."""
    key = key_of(deployment, name)
    generations = Generations(book, size=0)
    label = _label(book, generations, key)
    found: list[Found] = []
    for generation in reversed(generations.numbers("predictions")):
        rows = book.execute(
            f"SELECT id, version, time, output FROM predictions_{generation} WHERE key = ? ORDER BY id DESC LIMIT ?",
            (key, MOST_FOUND),
        ).fetchall()
        found += [
            Found(version, time, output, _place(book, generation, prediction), label)
            for prediction, version, time, output in rows
        ]
    return found[:MOST_FOUND]


def _place(book: sqlite3.Connection, generation: int, prediction: int) -> InRecord | None:
    found = book.execute(
        'SELECT first, partition, "offset", start FROM records WHERE generation = ? AND first <= ?'
        " ORDER BY first DESC LIMIT 1",
        (generation, prediction),
    ).fetchone()
    if found is None:
        return None
    first, partition, offset, start = found
    return InRecord((partition, offset), start, prediction - first)


def _label(book: sqlite3.Connection, generations: Generations, key: int) -> FoundLabel | None:
    for generation in generations.numbers("labels"):
        found = book.execute(
            f"SELECT label, clicks, known, state FROM labels_{generation} WHERE key = ?", (key,)
        ).fetchone()
        if found is not None:
            value, clicks, known, state = found
            return FoundLabel(value, bool(clicks), known, state == TOO_LATE)
    return None
