"""Charts over one time axis, without pixels: lines of versions, what happened as vertical lines, round ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

STYLES = 4
"""So many lines are told apart by hue, dash and the form of their points."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
_MOST_TIME_TICKS = 6
_VALUE_TICKS = 4

MarkKind = Literal["deployed", "canary", "back", "drift", "worse", "failed"]


@dataclass(frozen=True)
class Point:
    """A value of the stretch from `start` to `end`, with its interval where it has one."""

    start: datetime
    end: datetime
    value: float
    low: float | None = None
    high: float | None = None

    @property
    def middle(self) -> datetime:
        return self.start + (self.end - self.start) / 2


@dataclass(frozen=True)
class Line:
    """parts: interrupted where nothing was measured for a while."""

    name: str
    style: int
    parts: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True)
class Mark:
    """Something that happened, numbered over all charts of a page."""

    number: int
    at: datetime
    kind: MarkKind
    words: str


@dataclass(frozen=True)
class Axis:
    """Of time, shared by charts that are looked at together."""

    start: datetime
    end: datetime
    ticks: tuple[datetime, ...]


@dataclass(frozen=True)
class Chart:
    """unit: what its numbers are in, as its title says. bottom, top: values at its edges, both among the ticks."""

    title: str
    unit: str
    axis: Axis
    bottom: float
    top: float
    ticks: tuple[float, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]


def axis(start: datetime, end: datetime) -> Axis:
    """At most six ticks, at round moments (UTC)."""
    seconds = max((end - start).total_seconds(), 1.0)
    step = next((one for one in _STEPS if seconds / one <= _MOST_TIME_TICKS), _STEPS[-1])
    while seconds / step > _MOST_TIME_TICKS:
        step *= 2
    first = math.ceil(start.timestamp() / step) * step
    moments = range(first, math.floor(end.timestamp()) + 1, step)
    return Axis(start, end, tuple(datetime.fromtimestamp(moment, start.tzinfo) for moment in moments))


def line(name: str, style: int, points: Iterable[Point]) -> Line:
    """Points in any order; those that are no number are left out."""
    parts: list[list[Point]] = []
    for point in sorted(points, key=lambda one: one.start):
        if not math.isfinite(point.value):
            continue
        last = parts[-1][-1] if parts else None
        if last is None or point.start - last.end > (last.end - last.start) / 2:
            parts.append([])
        parts[-1].append(point)
    return Line(name, style % STYLES, tuple(map(tuple, parts)))


def chart(
    title: str, unit: str, over: Axis, lines: Sequence[Line], marks: Sequence[Mark], *, from_zero: bool = True
) -> Chart:
    """from_zero: where the size itself is what people look at; otherwise the lines fill the height."""
    shown = tuple(_within(one, over) for one in lines)
    bottom, top, ticks = scale([edge for one in shown for edge in _edges(one)], from_zero=from_zero)
    within = tuple(mark for mark in marks if over.start <= mark.at <= over.end)
    return Chart(title, unit, over, bottom, top, ticks, tuple(one for one in shown if one.parts), within)


def _within(whole: Line, over: Axis) -> Line:
    parts = (
        tuple(point for point in part if over.start <= point.middle <= over.end and math.isfinite(point.value))
        for part in whole.parts
    )
    return Line(whole.name, whole.style, tuple(part for part in parts if part))


def _edges(one: Line) -> Iterable[float]:
    for part in one.parts:
        for point in part:
            yield from (
                edge for edge in (point.value, point.low, point.high) if edge is not None and math.isfinite(edge)
            )


def scale(values: Sequence[float], *, from_zero: bool) -> tuple[float, float, tuple[float, ...]]:
    """Round numbers that hold all values; 0 to 1 of none."""
    low = 0.0 if from_zero or not values else min(values)
    high = max(values, default=1.0)
    if high <= low:
        high = low + (abs(low) or 1.0)
    step = _round_up((high - low) / _VALUE_TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(number * step, 12) for number in range(first, last + 1))
    return ticks[0], ticks[-1], ticks


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if value <= factor * power * (1 + 1e-9))


def tick_words(ticks: Sequence[float]) -> list[str]:
    """With as many decimals as tell neighbours apart: `0.75`, `1,200`."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals < 6 and abs(round(step, decimals) - step) > step / 100:
        decimals += 1
    return [f"{tick:,.{decimals}f}" for tick in ticks]


def number_words(value: float) -> str:
    """Three significant digits, and whole numbers whole: `0.0412`, `6.4`, `1,240`."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def spans(name: str) -> timedelta | None:
    """How long a stretch is that people choose by name; None for all there is."""
    return SPANS.get(name, SPANS[USUAL_SPAN])


SPANS: dict[str, timedelta | None] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "all": None,
}
USUAL_SPAN = "1h"
