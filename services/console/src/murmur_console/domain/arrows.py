"""Arrows from causes to effects: straight pieces through the free channels between lanes."""

from collections.abc import Iterator, Sequence

from murmur_console.domain.chains import Bar
from murmur_console.domain.scene import Arrow, BarShape, Lane, Mark

_RADIUS = 7.0
_HEAD = 3.0
_CHANNEL = 6.0
_DIP = 20.0
_STAGGER = 4.0


def arrows_of(
    marks: Sequence[Mark], bars: Sequence[Bar], shapes: Sequence[BarShape], lanes: Sequence[Lane]
) -> Iterator[Arrow]:
    """One arrow for each cause that is in the scene.

    Bars that lead from cause to effect without a gap in one lane are arrow enough. A bar that a cause of another lane
    has opened takes the arrow that would have gone to its end.
    """
    mark_of = {fact_id: mark for mark in marks for fact_id in mark.ids}
    by_ends = {
        (bar.opened.id, bar.closed.id): shape for bar, shape in zip(bars, shapes, strict=True) if bar.closed is not None
    }
    into_bars = [
        (mark_of[bar.opened.id], shape)
        for bar, shape in zip(bars, shapes, strict=True)
        if mark_of[bar.opened.id].service != shape.service
    ]
    for cause, shape in into_bars:
        yield Arrow(id=f"{cause.id}>{shape.id}", cause=cause.id, effect=shape.id, path=_drop(cause, shape))
    order = {mark.id: index for index, mark in enumerate(marks)}
    lane_of = {lane.service: lane for lane in lanes}
    for mark in marks:
        cause_mark = mark_of.get(mark.cause or "")
        if cause_mark is None or cause_mark is mark or (mark.cause, mark.id) in by_ends:
            continue
        if cause_mark.service == mark.service and _bridged(cause_mark, mark, shapes):
            continue
        yield Arrow(
            id=f"{cause_mark.id}>{mark.id}",
            cause=cause_mark.id,
            effect=mark.id,
            path=_path(cause_mark, mark, marks, lane_of[mark.service], order[cause_mark.id]),
        )


def _bridged(cause: Mark, effect: Mark, shapes: Sequence[BarShape]) -> bool:
    reached = cause.x
    for shape in sorted(shapes, key=lambda shape: shape.x):
        if shape.service == effect.service and shape.x <= reached:
            reached = max(reached, shape.x + shape.width)
    return reached >= effect.x


def _drop(cause: Mark, shape: BarShape) -> str:
    """Straight down (or up) into the beginning of a bar."""
    if shape.y > cause.y:
        return _line((cause.x, cause.y + _RADIUS), (cause.x, shape.y - _HEAD))
    return _line((cause.x, cause.y - _RADIUS), (cause.x, shape.y + shape.height + _HEAD))


def _path(cause: Mark, effect: Mark, marks: Sequence[Mark], lane: Lane, stagger: int) -> str:
    shift = (stagger % 3) * _STAGGER
    if cause.service == effect.service:
        between = any(mark.service == lane.service and cause.x < mark.x < effect.x for mark in marks)
        if not between and cause.y == effect.y:
            return _line((cause.x + _RADIUS, cause.y), (effect.x - _RADIUS - _HEAD, effect.y))
        channel = max(cause.y, effect.y) + _DIP + shift / 2
        return _line(
            (cause.x, cause.y + _RADIUS),
            (cause.x, channel),
            (effect.x, channel),
            (effect.x, effect.y + _RADIUS + _HEAD),
        )
    downwards = effect.y > cause.y
    side = 1 if downwards else -1
    channel = lane.y + _CHANNEL + shift if downwards else lane.y + lane.height - _CHANNEL - shift / 2
    return _line(
        (cause.x, cause.y + side * _RADIUS),
        (cause.x, channel),
        (effect.x, channel),
        (effect.x, effect.y - side * (_RADIUS + _HEAD)),
    )


def _line(*points: tuple[float, float]) -> str:
    """An SVG path with rounded corners."""
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(6.0, _length(before, corner) / 2, _length(corner, after) / 2)
        path += "L{:g} {:g}".format(*_towards(corner, before, radius))
        path += "Q{:g} {:g} {:g} {:g}".format(*corner, *_towards(corner, after, radius))
    return path + f"L{points[-1][0]:g} {points[-1][1]:g}"


def _length(one: tuple[float, float], other: tuple[float, float]) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(start: tuple[float, float], end: tuple[float, float], distance: float) -> tuple[float, float]:
    length = _length(start, end) or 1.0
    return tuple(a + (b - a) * distance / length for a, b in zip(start, end, strict=True))  # type: ignore[return-value]
