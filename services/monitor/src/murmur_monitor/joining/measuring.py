"""The quality scan: measures the windows whose labels have changed, and has the book forget what is over."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from zlib import crc32

import structlog
from prometheus_client import Counter

from murmur_kernel.clock import Clock
from murmur_monitor.domain.quality import measure
from murmur_monitor.domain.windows import Millis, Place, Window, as_millis
from murmur_monitor.joining.book import LabelBook, Touch
from murmur_monitor.quality_findings import WindowLabelled
from murmur_monitor.views import TermsOf, Watched

_AT_ONCE = 10_000
"""Touched seconds that one scan looks at."""
_LABELS_A_SECOND = 20_000
"""Measuring takes some 1.5 us a label: a window of a million labels is measured every 50 s at the most, and the rest of
the time joining goes on."""

log = structlog.get_logger()
unmatched = Counter("murmur_monitor_labels_unmatched", "Labels that no prediction came for in time")
let_go = Counter("murmur_monitor_predictions_let_go", "Predictions that made room before their labels could come")


class QualityScan:
    """Looks when it is told to. What cannot be measured yet is put off, what was measured is settled."""

    def __init__(
        self,
        book: LabelBook,
        watched: Callable[[str], Awaitable[Watched | None]],
        is_recorded: Callable[[TermsOf], Awaitable[bool]],
        record: Callable[[WindowLabelled], Awaitable[int]],
        clock: Clock,
        *,
        grace: timedelta,
        forget_every: timedelta,
        most_rows: int,
        labels_a_second: int = _LABELS_A_SECOND,
    ) -> None:
        """is_recorded: whether the window has closed and is known. record: keeps and publishes a finding.

        labels_a_second: a window waits a second for so many labels before it is measured again
        """
        self._book = book
        self._watched = watched
        self._is_recorded = is_recorded
        self._record = record
        self._clock = clock
        self._grace = round(grace.total_seconds() * 1000)
        self._forget_every = round(forget_every.total_seconds() * 1000)
        self._most_rows = most_rows
        self._forget_at: Millis = 0
        self._labels_a_second = labels_a_second
        self._again_at: dict[Place, Millis] = {}

    async def scan(self) -> None:
        """Every window that is over and whose labels have changed, oldest first. Raises Transient."""
        now = as_millis(self._clock.now())
        touches = await self._book.touched(_AT_ONCE)
        watched = {name: await self._watched(name) for name in {touch.deployment for touch in touches}}
        self._again_at = {place: moment for place, moment in self._again_at.items() if moment > now}
        places: dict[Place, list[Touch]] = defaultdict(list)
        later: set[Touch] = set()
        for touch in touches:
            terms = watched[touch.deployment]
            if terms is None:
                later.add(touch)
                continue
            for window in _windows_of(touch, terms):
                places[Place(window, touch.deployment, touch.version)].append(touch)
        for place, its in sorted(places.items()):
            terms = watched[place.deployment]
            assert terms is not None, "places are those of watched deployments"
            early = place.window.end + self._grace > now or place in self._again_at
            if early or not await self._measure(place, terms):
                later.update(its)
        if touches:
            await self._book.settle([touch for touch in touches if touch not in later], later)
        if now >= self._forget_at:
            await self._forget(now)
            self._forget_at = now + self._forget_every

    async def _measure(self, place: Place, terms: Watched) -> bool:
        """False while the window is not known: it has not closed, or its predictions are folded later than joined."""
        if not await self._is_recorded(TermsOf(place.deployment, place.version, place.window.starts_at)):
            return False
        rows = await self._book.rows_of(place.deployment, place.version, place.window)
        rules = terms.quality
        seed = crc32(f"{place.deployment}/{place.version}/{place.window.start}".encode())
        quality = await asyncio.to_thread(measure, rows, judged=rules.metric, confidence=rules.confidence, seed=seed)
        finding = WindowLabelled(place.deployment, place.version, place.window, rules.metric, quality)
        revision = await self._record(finding)
        pause = quality.labelled // self._labels_a_second * 1000
        self._again_at[place] = as_millis(self._clock.now()) + pause
        log.info(
            "window_labelled",
            deployment=place.deployment,
            version=place.version,
            start=place.window.starts_at.isoformat(),
            labelled=quality.labelled,
            revision=revision,
        )
        return True

    async def _forget(self, now: Millis) -> None:
        before: dict[str, Millis] = {}
        windows_before: dict[str, Millis] = {}
        for name in await self._book.deployments():
            if (terms := await self._watched(name)) is not None:
                before[name] = now - round(terms.quality.label_delay.total_seconds() * 1000)
                windows_before[name] = terms.calendar.window_of(before[name]).start
        gone = await self._book.forget(before=before, windows_before=windows_before, most_rows=self._most_rows)
        unmatched.inc(gone.unmatched)
        let_go.inc(gone.let_go)
        if gone.let_go or gone.unmatched:
            log.warning("labels_forgotten", unmatched=gone.unmatched, predictions_let_go=gone.let_go)


def _windows_of(touch: Touch, terms: Watched) -> Sequence[Window]:
    """One, or two where a border lies within the second."""
    first = terms.calendar.window_of(touch.second * 1000)
    last = terms.calendar.window_of(touch.second * 1000 + 999)
    return (first,) if first == last else (first, last)
