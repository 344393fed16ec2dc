"""The close scan: finds windows whose time is over, compares each with its reference, and hands it on as a finding."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta

import structlog

from murmur_kernel.clock import Clock
from murmur_kernel.errors import ArtifactError, Transient
from murmur_monitor.codec import decode
from murmur_monitor.domain.comparison import NothingToCompare, pairs
from murmur_monitor.domain.folding import Fold
from murmur_monitor.domain.measured import Compared, Comparison, NotCompared, TooFewRows, statistics_of
from murmur_monitor.domain.windows import Place, as_millis
from murmur_monitor.findings import WindowClosed
from murmur_monitor.ports import (
    DriftDetector,
    EngineMissing,
    EngineName,
    FoldKey,
    Folds,
    References,
    UnreadableReference,
)
from murmur_monitor.repository import KnownVersion
from murmur_monitor.views import Terms, TermsOf

log = structlog.get_logger()

LookUp = Callable[[TermsOf], Awaitable[Terms]]
Record = Callable[[WindowClosed], Awaitable[int]]
"""Keeps and publishes a finding; its revision. Raises Transient."""


class CloseScan:
    """Looks every so often. A window that grew after it was closed is handed on again."""

    def __init__(
        self,
        folds: Folds,
        look_up: LookUp,
        record: Record,
        references: References,
        detector_for: Callable[[EngineName], DriftDetector],
        expired: Callable[[Iterable[FoldKey]], set[FoldKey]],
        clock: Clock,
        *,
        grace: timedelta,
        announce: timedelta,
        every: timedelta,
        sample_rows: int,
    ) -> None:
        self._folds = folds
        self._look_up = look_up
        self._record = record
        self._references = references
        self._detector_for = detector_for
        self._expired = expired
        self._clock = clock
        self._grace = round(grace.total_seconds() * 1000)
        self._announce = round(announce.total_seconds() * 1000)
        self._every = every.total_seconds()
        self._sample_rows = sample_rows
        self._handed_on: dict[FoldKey, bytes] = {}
        self._prepared: set[tuple[str, int]] = set()

    async def run(self) -> None:
        """Until cancelled. Raises Transient, after which it may be run again."""
        while True:
            await self.scan()
            await asyncio.sleep(self._every)

    async def scan(self) -> None:
        """Hand on every window that is over and has changed since, oldest first; let go of the expired ones."""
        reached = await self._folds.time(as_millis(self._clock.now()))
        if reached is None:
            return
        places: dict[Place, dict[FoldKey, bytes]] = defaultdict(dict)
        for key, state in sorted(self._folds.states().items()):
            places[Place(key.window, key.deployment, key.version)][key] = state
        for place, states in sorted(places.items()):
            over = place.window.end + self._grace <= reached
            if over and any(self._handed_on.get(key) is not state for key, state in states.items()):
                patient = place.window.end + self._announce > reached
                if await self._close(place, states.values(), patient=patient):
                    self._handed_on |= states
        self._forget()
        for place in places:
            await self._prepare(place)

    def _forget(self) -> None:
        now = self._folds.states()
        gone = {key for key in self._expired(now) if self._handed_on.get(key) is now[key]}
        self._folds.forget(gone)
        self._handed_on = {key: state for key, state in self._handed_on.items() if key in now and key not in gone}

    async def _prepare(self, place: Place) -> None:
        """Have the engine of a version loaded while its first window still fills: an import takes seconds."""
        name = (place.deployment, place.version)
        if name in self._prepared:
            return
        terms = await self._look_up(TermsOf(place.deployment, place.version, place.window.starts_at))
        if terms.rules is not None:
            self._prepared.add(name)
            with suppress(Exception):  # missing or broken, it is told when the window closes
                await asyncio.to_thread(self._detector_for(terms.rules.engine).load)

    async def _close(self, place: Place, states: Iterable[bytes], *, patient: bool) -> bool:
        """False when it is too early, since nobody has announced the version yet."""
        first, *others = map(decode, states)
        fold = first
        for other in others:
            fold = fold.merged(other, sample_rows=self._sample_rows)
        terms = await self._look_up(TermsOf(place.deployment, place.version, place.window.starts_at))
        if terms.recorded_rows >= fold.rows:
            return True
        if terms.version is None and patient:
            return False
        comparison = await self._compare(place, fold, terms)
        finding = WindowClosed(
            place.deployment,
            fold.model,
            place.version,
            place.window,
            statistics_of(fold, place.window),
            comparison,
        )
        revision = await self._record(finding)
        log.info(
            "window_closed",
            deployment=place.deployment,
            version=place.version,
            start=place.window.starts_at.isoformat(),
            rows=fold.rows,
            revision=revision,
        )
        return True

    async def _compare(self, place: Place, fold: Fold, terms: Terms) -> Comparison:
        if terms.version is None or terms.rules is None:
            return NotCompared(f"no model.deployed of {place.deployment!r} version {place.version} was handled")
        answered = fold.rows - fold.errors
        if answered < terms.rules.min_rows:
            return TooFewRows(answered, terms.rules.min_rows)
        return await self._tested(fold, terms.version, terms.rules.engine, terms.rules.error_rate)

    async def _tested(self, fold: Fold, version: KnownVersion, engine: EngineName, error_rate: float) -> Comparison:
        """Whatever is wrong with one window, or with a library, the others must go on. Raises Transient."""
        try:
            reference = await self._references.of(version)
            detector = self._detector_for(engine)
            tests = await asyncio.to_thread(detector.test, pairs(reference, fold.sample))
        except (ArtifactError, UnreadableReference, EngineMissing, NothingToCompare) as error:
            return NotCompared(str(error))
        except Transient:
            raise
        except Exception as error:
            log.exception("drift_test_failed", deployment=version.deployment, version=version.version, engine=engine)
            return NotCompared(
                f"the test failed with {error!r}: see drift_test_failed in the monitor's log; another engine may do,"
                f" `engine: scipy` under monitoring.drift in the workflow file"
            )
        return Compared(detector.engine, error_rate, tests)
