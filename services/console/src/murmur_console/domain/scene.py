"""What a timeline is made of, in pixels: only numbers and words, so that whatever draws it decides nothing."""

from dataclasses import dataclass
from datetime import datetime

from murmur_console.domain.facts import Tone


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The strip of one service."""

    service: str
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One event, or several alike that followed one another (`ids`, oldest first)."""

    id: str
    ids: tuple[str, ...]
    x: float
    y: float
    service: str
    topic: str
    label: str
    headline: str
    tone: Tone
    time: datetime
    cause: str | None
    is_root: bool


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """From a cause to an effect: an SVG path of straight pieces that leaves marks and texts free."""

    id: str
    cause: str
    effect: str
    path: str


@dataclass(frozen=True, kw_only=True)
class BarShape:
    """A work or a wait. Without `end` it goes on: then it reaches to the edge called now."""

    id: str
    x: float
    y: float
    width: float
    height: float
    service: str
    words: str
    waiting: bool
    start: datetime
    end: datetime | None
    progress: float | None


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A time, written under the lanes at a mark."""

    x: float
    time: datetime


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A long silence, drawn short."""

    x: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A whole timeline. `now` is the x of the growing edge, None when nothing goes on."""

    width: float
    height: float
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    arrows: tuple[Arrow, ...]
    bars: tuple[BarShape, ...]
    ticks: tuple[Tick, ...]
    folds: tuple[Fold, ...]
    now: float | None


EMPTY = Scene(width=0, height=0, lanes=(), marks=(), arrows=(), bars=(), ticks=(), folds=(), now=None)
"""Before there is a chain to draw."""
