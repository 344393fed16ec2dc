"""Lays the reference and a window side by side, column by column, in the form in which a statistical test is valid."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from murmur_monitor.domain.folding import OUTPUT, RowArray, Sample

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MIN_EXPECTED = 5
"""Categories expected less often are counted together, or chi-squared finds drift in rarities (Cochran 1954)."""

_MISSING = -1


@dataclass(frozen=True)
class Reference:
    """Rows that the model was made with: `values` has the features in the order of `columns`, and its output last."""

    columns: tuple[str, ...]
    categories: frozenset[str]
    values: RowArray


@dataclass(frozen=True)
class Amounts:
    """A numeric column: the finite values of both sides, neither of them empty."""

    name: str
    reference: Floats
    window: Floats


@dataclass(frozen=True)
class Groups:
    """A categorical column: group numbers from 0, at least two groups, none expected too rarely to be tested."""

    name: str
    reference: Codes
    window: Codes


Pair = Amounts | Groups


class NothingToCompare(ValueError):
    """Window and reference have no column in common, or none that can be tested."""

    def __init__(self, reference: tuple[str, ...], window: tuple[str, ...]) -> None:
        super().__init__(
            f"the reference has the columns {reference!r}, the window {window!r}: nothing in them can be compared"
        )


def pairs(reference: Reference, sample: Sample) -> tuple[Pair, ...]:
    """What can be tested, in the reference's order; the output is called as it is there.

    A column with missing values gives a second pair of its own: how often they are missing. Constant columns give none.
    Raises NothingToCompare.
    """
    names = (*reference.columns, OUTPUT)
    known = {name: index for index, name in enumerate((*sample.columns, OUTPUT))}
    found: list[Pair] = []
    for index, name in enumerate(names):
        if name not in known:
            continue
        before = reference.values[:, index].astype(np.float64)
        now = sample.values[:, known[name]].astype(np.float64)
        if name in reference.categories:
            found += _groups(name, _codes(before), _codes(now))
        else:
            found += _amounts(name, before, now)
    if not found:
        raise NothingToCompare(reference.columns, sample.columns)
    return tuple(found)


def _amounts(name: str, before: Floats, now: Floats) -> list[Pair]:
    there, here = np.isfinite(before), np.isfinite(now)
    found: list[Pair] = []
    if there.any() and here.any():
        found.append(Amounts(name, before[there], now[here]))
    if not (there.all() and here.all()):
        found += _groups(f"{name} is missing", (~there).astype(np.int64), (~here).astype(np.int64))
    return found


def _codes(values: Floats) -> Codes:
    """Categories are whole numbers; missing is one of its own."""
    return np.where(np.isfinite(values), np.rint(values), _MISSING).astype(np.int64)


def _groups(name: str, before: Codes, now: Codes) -> list[Pair]:
    values, places = np.unique(np.concatenate([before, now]), return_inverse=True)
    counts = np.bincount(places, minlength=len(values))
    share = min(len(before), len(now)) / (len(before) + len(now))
    groups = _pooled(np.asarray(counts * share, dtype=np.float64))[places]
    if groups.max() == 0:
        return []
    return [Groups(name, groups[: len(before)], groups[len(before) :])]


def _pooled(expected: Floats) -> Codes:
    """A group for each category: rare ones share one, which takes in the next rarest until it is large enough."""
    order = np.argsort(expected, kind="stable")
    groups = np.zeros(len(expected), np.int64)
    group, filled = 0, 0.0
    for place in order:
        if filled >= MIN_EXPECTED:
            group, filled = group + 1, 0.0
        groups[place] = group
        filled += expected[place]
    if group and filled < MIN_EXPECTED:
        groups[groups == group] = group - 1
    return groups
