"""Histories of metrics as lines over steps: of one run or of several, laid over each other."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from murmur_console.domain.charts import scale

STYLES = 8
"""So many lines are told apart; of more than that nobody can read which is which."""

_MOST_TICKS = 6

Points = Sequence[tuple[int, float | None]]
"""Step and value; None: no finite number was logged there."""


@dataclass(frozen=True)
class Curve:
    """style: STYLES for one that is not told apart. parts: interrupted where what was logged is no finite number."""

    name: str
    style: int
    parts: tuple[tuple[tuple[int, float], ...], ...]


@dataclass(frozen=True)
class CurveChart:
    title: str
    first: int
    last: int
    steps: tuple[int, ...]
    bottom: float
    top: float
    ticks: tuple[float, ...]
    lines: tuple[Curve, ...]


def curve_chart(title: str, histories: Mapping[str, Points]) -> CurveChart:
    """histories: name of a line -> its points in any order. Each keeps its style while others come and go."""
    lines = [Curve(name, min(style, STYLES), _parts(points)) for style, (name, points) in enumerate(histories.items())]
    values = [value for line in lines for part in line.parts for _, value in part]
    steps = [step for points in histories.values() for step, _ in points]
    bottom, top, ticks = scale(values, from_zero=False)
    first, last = min(steps, default=0), max(steps, default=1)
    return CurveChart(
        title, first, last, _ticks(first, last), bottom, top, ticks, tuple(line for line in lines if line.parts)
    )


def _parts(points: Iterable[tuple[int, float | None]]) -> tuple[tuple[tuple[int, float], ...], ...]:
    """The last value of a step counts."""
    parts: list[list[tuple[int, float]]] = [[]]
    for step, value in sorted(dict(points).items()):
        if value is None:
            parts.append([])
        else:
            parts[-1].append((step, value))
    return tuple(tuple(part) for part in parts if part)


def _ticks(first: int, last: int) -> tuple[int, ...]:
    """Round steps, at most six of them."""
    apart = max(1, math.ceil((last - first) / _MOST_TICKS))
    power = 10 ** int(math.log10(apart))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= apart)
    return tuple(range(math.ceil(first / step) * step, last + 1, step))
