"""The labelled rows of a window, as many of them as memory is meant for."""

import sqlite3

import numpy as np

from murmur_monitor.domain.quality import LabelledRows
from murmur_monitor.domain.windows import Window

_CHUNK = 10_000
_WHOLE, _SPREAD = 65_536, 40_503
"""Multiples of the golden part of a whole lie evenly in it (Knuth, vol. 3, 6.4), so also those of every second or
every hundredth prediction."""


def labelled_rows(
    book: sqlite3.Connection, deployment: str, version: int, window: Window, *, most: int
) -> LabelledRows:
    """In the order of time. Of more than `most` about so many, chosen by the numbers of their predictions: the same
    ones each time, and all but a few of them again when more labels have come.
    """
    within = "deployment = (SELECT id FROM deployments WHERE name = ?) AND version = ? AND time >= ? AND time < ?"
    place = (deployment, version, window.start, window.end)
    (known,) = book.execute(f"SELECT count(*) FROM joined WHERE {within}", place).fetchone()
    share = _WHOLE * most // max(known, most)
    found = book.execute(
        f"SELECT output, label, clicks FROM joined WHERE {within} AND (prediction * {_SPREAD} & {_WHOLE - 1}) < ?"
        " ORDER BY time, prediction",
        (*place, share),
    )
    chunks = [np.empty((0, 3))]
    while rows := found.fetchmany(_CHUNK):
        chunks.append(np.array(rows, dtype=np.float64))
    table = np.concatenate(chunks)
    return LabelledRows(outputs=table[:, 0], labels=table[:, 1], clicks=table[:, 2] > 0, known=known)
