"""From a chain to its scene: who stands where on the elastic axis."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from murmur_console.domain.arrows import arrows_of
from murmur_console.domain.axis import ZOOMS, Axis, text_width
from murmur_console.domain.chains import Bar, Chain, clusters
from murmur_console.domain.facts import Fact, WorkKind
from murmur_console.domain.scene import BarShape, Fold, Lane, Mark, Scene, Tick
from murmur_console.domain.words import duration

LANES = ("client", "trainer", "registry", "validator", "deployer", "monitor", "tracking", "model-server")
_ALWAYS = frozenset({"trainer", "registry", "validator", "deployer", "monitor"})
"""Lanes that stand from the first event on, so that nothing moves down when their service first speaks; of the others,
a client can only begin a chain, and the rest are at the bottom."""
_LANE_OF = {
    WorkKind.QUEUE: "trainer",
    WorkKind.TRAINING: "trainer",
    WorkKind.VALIDATION: "validator",
    WorkKind.REVIEW: "registry",
    WorkKind.ROLLOUT: "deployer",
    WorkKind.BATCH: "deployer",
}
_WORDS = {
    WorkKind.QUEUE: "queued",
    WorkKind.TRAINING: "trains",
    WorkKind.VALIDATION: "validates",
    WorkKind.REVIEW: "waits for a review",
    WorkKind.ROLLOUT: "rolls out",
    WorkKind.BATCH: "scores",
}

LANE_HEIGHT = 72.0
MIDDLE = 42.0
"""Of a lane, where its marks stand: the label is above, arrows come in below or from the lane's border."""
BAR_HEIGHT = 24.0
TRACK = 28.0
AXIS_HEIGHT = 40.0
_ROOM = 36.0
"""Beside the words of a bar, for the marks at its ends."""
_SHORTEST = "000 ms"
"""What a bar has room for from its beginning; its end makes room for more, since it is the last to be placed."""
_AGEING = "00 min 00 s"
_TICK_WIDTH = 72.0


def words_of(bar: Bar) -> str:
    return _WORDS[bar.work.kind]


def lane_of(service: str) -> str:
    """Whoever is no service of the flock is a client."""
    return service if service in LANES else "client"


def draw(chain: Chain, *, now: datetime, zoom: int, progress: Mapping[str, float] | None = None) -> Scene:
    """The scene of a chain as it stands `now`. `zoom` is an index of ZOOMS; `progress` is by run, 0 to 1."""
    facts, bars = chain.facts, chain.bars
    axis = Axis(ZOOMS[zoom])
    groups = clusters(facts)
    xs, folds = _positions(groups, bars, axis)
    tracks = _tracks(bars, xs)
    lanes = _lanes(facts, bars, tracks)
    middles = {lane.service: lane.y + MIDDLE for lane in lanes}
    is_open = any(bar.closed is None for bar in bars)
    if is_open:
        room = max(xs[bar.opened.id] + _width(bar, _AGEING) for bar in bars if bar.closed is None)
        edge = max(axis.edge(max((now - facts[-1].time).total_seconds(), 0.0)), room)
    else:
        edge = None
    marks = [_mark(group, xs, middles, tracks, bars) for group in groups]
    shapes = [_shape(bar, xs, middles, tracks, edge, progress or {}) for bar in bars]
    ends = [edge or 0.0, *(mark.x + 16 + text_width(mark.label) for mark in marks)]
    return Scene(
        width=max(ends) + 24,
        height=lanes[-1].y + lanes[-1].height + AXIS_HEIGHT,
        lanes=tuple(lanes),
        marks=tuple(marks),
        arrows=tuple(arrows_of(marks, bars, shapes, lanes)),
        bars=tuple(shapes),
        ticks=tuple(_ticks(marks)),
        folds=tuple(folds),
        now=edge,
    )


def _positions(groups: list[tuple[Fact, ...]], bars: list[Bar], axis: Axis) -> tuple[dict[str, float], list[Fold]]:
    """The x of every fact, left to right; a label and the words of a bar push what follows them in their lane."""
    xs: dict[str, float] = {}
    folds: list[Fold] = []
    opened: dict[str, list[Bar]] = defaultdict(list)
    closed: dict[str, list[Bar]] = defaultdict(list)
    for bar in bars:
        opened[bar.opened.id].append(bar)
        if bar.closed is not None:
            closed[bar.closed.id].append(bar)
    before: Fact | None = None
    for group in groups:
        lane = lane_of(group[0].service)
        if before is None:
            x = axis.first()
        else:
            for bar in closed[group[0].id]:
                lasted = duration((group[0].time - bar.opened.time).total_seconds())
                axis.reserve(lane, xs[bar.opened.id] + _width(bar, lasted))
            x, gap, folded = axis.step(lane, max((group[0].time - before.time).total_seconds(), 0.0))
            if folded:
                folds.append(Fold(x=x - gap / 2, words=folded))
        xs |= dict.fromkeys((fact.id for fact in group), x)
        axis.reserve(lane, x + 20 + text_width(label_of(group)))
        for bar in opened[group[-1].id]:
            axis.reserve(_LANE_OF[bar.work.kind], x + _width(bar, _SHORTEST))
        before = group[-1]
    return xs, folds


def label_of(group: tuple[Fact, ...]) -> str:
    return group[-1].label if len(group) == 1 else f"{group[-1].label} x{len(group)}"


def _width(bar: Bar, lasted: str) -> float:
    return _ROOM + text_width(f"{words_of(bar)} {lasted}")


def _tracks(bars: list[Bar], xs: dict[str, float]) -> dict[str, int]:
    """Bars of one lane that overlap lie below one another: the track of each bar, by its id."""
    ends: dict[str, list[float]] = {}
    tracks: dict[str, int] = {}
    for bar in bars:
        lane = ends.setdefault(_LANE_OF[bar.work.kind], [])
        start = xs[bar.opened.id]
        end = xs[bar.closed.id] if bar.closed else float("inf")
        track = next((number for number, taken in enumerate(lane) if taken <= start), len(lane))
        lane[track : track + 1] = [end]
        tracks[bar_id(bar)] = track
    return tracks


def bar_id(bar: Bar) -> str:
    return f"{bar.work.kind}:{bar.work.of}:{bar.opened.id}"


def _lanes(facts: tuple[Fact, ...], bars: list[Bar], tracks: dict[str, int]) -> list[Lane]:
    depth = dict.fromkeys(LANES, 0)
    for bar in bars:
        lane = _LANE_OF[bar.work.kind]
        depth[lane] = max(depth[lane], tracks[bar_id(bar)])
    heard = _ALWAYS | {lane_of(fact.service) for fact in facts}
    lanes: list[Lane] = []
    y = 0.0
    for service in LANES:
        if service in heard:
            height = LANE_HEIGHT + depth[service] * TRACK
            lanes.append(Lane(service=service, y=y, height=height))
            y += height
    return lanes


def _mark(
    group: tuple[Fact, ...],
    xs: dict[str, float],
    middles: dict[str, float],
    tracks: dict[str, int],
    bars: list[Bar],
) -> Mark:
    fact = group[-1]
    lane = lane_of(fact.service)
    own = [bar for bar in bars if _LANE_OF[bar.work.kind] == lane and fact in (bar.closed, bar.opened)]
    track = tracks[bar_id(own[0])] if own else 0
    return Mark(
        id=fact.id,
        ids=tuple(one.id for one in group),
        x=xs[fact.id],
        y=middles[lane] + track * TRACK,
        service=lane,
        topic=fact.topic,
        label=label_of(group),
        headline=fact.headline,
        tone=fact.tone,
        time=fact.time,
        cause=fact.causation_id,
        is_root=fact.causation_id is None,
    )


def _shape(
    bar: Bar,
    xs: dict[str, float],
    middles: dict[str, float],
    tracks: dict[str, int],
    edge: float | None,
    progress: Mapping[str, float],
) -> BarShape:
    lane = _LANE_OF[bar.work.kind]
    x = xs[bar.opened.id]
    end = xs[bar.closed.id] if bar.closed else (edge or x)
    return BarShape(
        id=bar_id(bar),
        x=x,
        y=middles[lane] + tracks[bar_id(bar)] * TRACK - BAR_HEIGHT / 2,
        width=max(end - x, 8.0),
        height=BAR_HEIGHT,
        service=lane,
        words=words_of(bar),
        waiting=bar.work.kind.waiting,
        start=bar.opened.time,
        end=bar.closed.time if bar.closed else None,
        progress=progress.get(bar.work.of) if bar.closed is None and bar.work.kind is WorkKind.TRAINING else None,
    )


def _ticks(marks: list[Mark]) -> list[Tick]:
    ticks: list[Tick] = []
    for mark in marks:
        if not ticks or mark.x - ticks[-1].x >= _TICK_WIDTH:
            ticks.append(Tick(x=mark.x, time=mark.time))
    return ticks
