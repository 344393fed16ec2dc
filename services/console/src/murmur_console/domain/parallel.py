"""Runs as lines through parallel axes: what they were told on the left, what came of it on the right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Value = bool | int | float | str | None

MOST_AXES = 8


@dataclass(frozen=True)
class Axis:
    """categories: the values of one that is not of numbers, in order; empty for numbers."""

    name: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """rows: one a run, a value for each axis; None where the run has none."""

    axes: tuple[Axis, ...]
    rows: tuple[tuple[float | str | None, ...], ...]


def picture(dimensions: Sequence[tuple[str, Sequence[Value]]]) -> Picture:
    """dimensions: name and the value of each run. Texts that are numbers in every run are numbers."""
    axes: list[Axis] = []
    columns: list[list[float | str | None]] = []
    for name, values in dimensions[:MOST_AXES]:
        numbers = [_number(value) for value in values]
        if all(number is not None for value, number in zip(values, numbers, strict=True) if value is not None):
            axes.append(Axis(name))
            columns.append(list(numbers))
        else:
            words = [None if value is None else str(value) for value in values]
            axes.append(Axis(name, tuple(sorted({word for word in words if word is not None}))))
            columns.append(list(words))
    return Picture(tuple(axes), tuple(zip(*columns, strict=True)))


def _number(value: Value) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
