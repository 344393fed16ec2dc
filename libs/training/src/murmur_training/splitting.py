"""Decides who is held out: identities by a hash, or the newest periods. Never by order, seed or machine."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

HOLDOUT = "holdout"
VALIDATION = "validation"


def identity_text(value: Any) -> str:
    """An identity in one spelling: 7 and 7.0 name the same row, since a missing neighbour turns whole columns to
    floats."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def fraction(identity: str, purpose: str) -> float:
    """A number in [0, 1) that this identity has for this purpose for ever: the first 52 bits of a sha256."""
    digest = hashlib.sha256(f"{purpose}:{identity}".encode()).digest()
    return float(int.from_bytes(digest[:8], "big") >> 12) / float(1 << 52)


def held_out(identities: npt.ArrayLike, share: float, *, purpose: str = HOLDOUT) -> npt.NDArray[np.bool_]:
    """Which of the identities [n] are held out: about that share of them, each always on the same side.

    Raising the share only ever adds identities. Different purposes cut independently of each other.
    """
    values = np.asarray(identities, dtype=object)
    return np.fromiter(
        (fraction(identity_text(value), purpose) < share for value in values), dtype=bool, count=len(values)
    )


@dataclass(frozen=True)
class Cut:
    """Which rows [n] of a split by time are learned from and which are held out; those of the gap are neither."""

    train: npt.NDArray[np.bool_]
    holdout: npt.NDArray[np.bool_]


def cut_by_time(periods: npt.ArrayLike, share: float, *, gap: int = 0) -> Cut:
    """Holds out the newest periods, whole ones, as many as make at least that share of rows.

    The `gap` periods before them are in neither part: a model that is in use today was trained when the labels of its
    last days had not come yet. `periods` [n] are texts in whose order time runs. The oldest period is never held out;
    where the gap reaches it, nothing is left to learn from.
    """
    names, place, rows = np.unique(np.asarray(periods, dtype=np.str_), return_inverse=True, return_counts=True)
    newer = np.cumsum(rows[::-1])[::-1]
    enough = np.flatnonzero(newer >= share * place.size)
    first = max(int(enough[-1]), 1) if names.size > 1 else 1
    return Cut(train=place < first - gap, holdout=place >= first)
