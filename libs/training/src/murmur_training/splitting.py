"""Decides by a hash who is held out, so that the answer never depends on order, time, seed or machine."""

import hashlib
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
