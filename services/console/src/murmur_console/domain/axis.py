"""The elastic time axis: true to scale where it can be, wide enough to read where much happens at once.

Positions are given from left to right and never depend on what comes later: a new event at the end moves nothing.
"""

from dataclasses import dataclass

from murmur_console.domain.words import duration

LEFT = 24.0
NARROWEST = 28.0
"""Two marks are never nearer than this, so that each can be hit with a finger and an arrow fits between."""
_LETTER = 6.4
"""Average width of a letter of the labels: 11 px of a system font."""


@dataclass(frozen=True)
class Zoom:
    """pixels_per_second holds up to `widest` pixels; a longer silence is folded to that."""

    pixels_per_second: float
    widest: float


ZOOMS = (Zoom(0.25, 64), Zoom(1, 96), Zoom(4, 144), Zoom(16, 240), Zoom(64, 480), Zoom(256, 960))
USUAL_ZOOM = 2


def text_width(text: str) -> float:
    return len(text) * _LETTER


class Axis:
    """Hands out x positions; one lane's labels and bars keep its later marks off."""

    def __init__(self, zoom: Zoom) -> None:
        self._zoom = zoom
        self._x = LEFT
        self._free: dict[str, float] = {}

    def first(self) -> float:
        return self._x

    def step(self, lane: str, seconds: float) -> tuple[float, float, str | None]:
        """The next mark's x in this lane after so many seconds, the gap before it, and the words of a fold in it."""
        start = self._x
        true = seconds * self._zoom.pixels_per_second
        gap = min(max(true, NARROWEST), self._zoom.widest)
        self._x = max(start + gap, self._free.get(lane, 0.0))
        folded = duration(seconds) if true > max(self._zoom.widest, self._x - start) * 1.5 else None
        return self._x, self._x - start, folded

    def edge(self, seconds: float) -> float:
        """Where now is, so many seconds after the last mark."""
        gap = min(max(seconds * self._zoom.pixels_per_second, NARROWEST), self._zoom.widest)
        return max(self._x + gap, *self._free.values(), 0.0)

    def reserve(self, lane: str, until: float) -> None:
        """Nothing of this lane may start before `until`."""
        self._free[lane] = max(self._free.get(lane, 0.0), until)
