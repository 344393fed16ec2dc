"""Which window a moment belongs to: tumbling windows that tile all time, also where their length was changed.

Times are whole milliseconds since 1970, UTC, so that borders are exact and every fold of a row finds the same window.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

Millis = int
MillisArray = npt.NDArray[np.int64]

SHORTEST: Millis = 1000
"""A window is never shorter than this, whatever a workflow asks for."""


@dataclass(frozen=True, order=True)
class Window:
    """From start to before end."""

    start: Millis
    end: Millis

    @property
    def starts_at(self) -> datetime:
        return as_datetime(self.start)

    @property
    def ends_at(self) -> datetime:
        return as_datetime(self.end)

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / 1000


@dataclass(frozen=True, order=True)
class Place:
    """One window of one version, over all partitions."""

    window: Window
    deployment: str
    version: int


@dataclass(frozen=True)
class Span:
    """Since when windows have which length; the first of them starts exactly there."""

    since: Millis
    length: Millis


@dataclass(frozen=True)
class Calendar:
    """Spans in the order of time, without a gap: each begins where a window of its predecessor ends."""

    spans: tuple[Span, ...]

    @classmethod
    def of(cls, length: timedelta) -> "Calendar":
        """Windows of one length since 1970."""
        return cls((Span(0, _whole(length)),))

    def window_of(self, moment: Millis) -> Window:
        return self._window(int(self._span_of(np.array([moment], dtype=np.int64))[0]), moment)

    def split(self, moments: MillisArray) -> dict[Window, npt.NDArray[np.intp]]:
        """For each window that any of the moments falls in, the positions of those that do."""
        found: dict[Window, npt.NDArray[np.intp]] = {}
        for index in np.unique(spans := self._span_of(moments)):
            span = self.spans[index]
            numbers = (moments - span.since) // span.length
            for number in np.unique(numbers[spans == index]):
                window = self._window(int(index), span.since + int(number) * span.length)
                found[window] = np.flatnonzero((spans == index) & (numbers == number))
        return found

    def changed(self, length: timedelta, *, after: Millis) -> "Calendar":
        """Another length for the windows that start later than `after`: those begun by then keep the old one.

        `after` must not be earlier than any row that was folded, or such rows would move to another window.
        """
        since = self.window_of(after).end
        kept = tuple(span for span in self.spans if span.since < since)
        if kept[-1].length == _whole(length):
            return Calendar(kept)
        return Calendar((*kept, Span(since, _whole(length))))

    def _span_of(self, moments: MillisArray) -> npt.NDArray[np.intp]:
        starts = np.array([span.since for span in self.spans[1:]], dtype=np.int64)
        return np.searchsorted(starts, moments, side="right")

    def _window(self, index: int, moment: Millis) -> Window:
        span = self.spans[index]
        start = span.since + (moment - span.since) // span.length * span.length
        return Window(start, start + span.length)


def as_millis(moment: datetime) -> Millis:
    """Raises ValueError for a moment that does not say in which zone it is."""
    if moment.tzinfo is None:
        raise ValueError(f"the time {moment.isoformat()!r} names no zone: write it with an offset, such as +00:00")
    return int(moment.timestamp() * 1000)


def as_datetime(moment: Millis) -> datetime:
    return datetime.fromtimestamp(moment / 1000, UTC)


def _whole(length: timedelta) -> Millis:
    return max(SHORTEST, round(length.total_seconds() * 1000))
