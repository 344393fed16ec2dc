"""What was told of one deployment: what served when, canaries and how they ended, sizes, windows, scored files."""

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import zip_longest
from typing import TypeVar

from murmur_console.domain.deployments import (
    Batch,
    CanaryStart,
    Degradation,
    Deployed,
    Drift,
    Failed,
    Judgement,
    Release,
    RolledBack,
    Scaled,
    Window,
)

KEPT_WINDOWS = 480
KEPT_EVENTS = 200
"""Of each kind and deployment, the newest."""

T = TypeVar("T")


@dataclass(frozen=True)
class CanaryRun:
    """A canary from its start to its end. ended: how, in words and at which moment; None while it is under way."""

    start: CanaryStart
    judgements: tuple[Judgement, ...]
    ended: RolledBack | Deployed | Failed | None

    @property
    def current(self) -> int:
        """The step (from 0) that it is in, or in which it has ended."""
        passed = sum(one.verdict in ("advance", "finish") for one in self.judgements)
        return min(passed, len(self.start.steps) - 1)

    @property
    def share(self) -> str:
        """What that step gets of the requests."""
        return shares(self.start.steps)[self.current]


@dataclass
class History:
    """Of one deployment: each kind in the order of time, whatever order it was heard in; the newest of it."""

    name: str
    model: str = ""

    deployed: list[Deployed] = field(default_factory=list)
    canaries: list[CanaryStart] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    rolled_back: list[RolledBack] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    scaled: list[Scaled] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    degradations: list[Degradation] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    batches: dict[str, Batch] = field(default_factory=dict)

    @property
    def serving(self) -> Deployed | None:
        """What serves now: a person's roll-back leads to a version that had served before."""
        newest = self.deployed[-1] if self.deployed else None
        back = self.rolled_back[-1] if self.rolled_back else None
        if newest is None or back is None or back.at < newest.at or back.serving == newest.version:
            return newest
        before = [one for one in self.deployed if one.version == back.serving]
        return replace(before[-1], at=back.at, chain=back.chain) if before else newest

    @property
    def trouble(self) -> str:
        """Why the newest attempt to change what serves has failed; empty once one has succeeded."""
        failed = [one for one in self.failed if one.cause != "superseded"]
        if not failed or (self.deployed and self.deployed[-1].at > failed[-1].at):
            return ""
        newest = failed[-1]
        return f"v{newest.version} did not come up, {newest.cause}: {newest.message}"

    def release_of(self, version: int) -> Release | None:
        known: list[CanaryStart | Deployed] = [*self.canaries, *self.deployed]
        return next((one.release for one in reversed(known) if one.version == version), None)

    def canary_runs(self) -> list[CanaryRun]:
        """Newest first."""
        nexts: list[datetime | None] = [one.at for one in self.canaries[1:]]
        return [self._run(start, until) for start, until in zip_longest(self.canaries, nexts)][::-1]

    @property
    def canary(self) -> CanaryRun | None:
        """The one under way."""
        newest = next(iter(self.canary_runs()), None)
        return newest if newest is not None and newest.ended is None else None

    def _run(self, start: CanaryStart, until: datetime | None) -> CanaryRun:
        def within(at: datetime) -> bool:
            return start.at <= at and (until is None or at < until)

        ends: list[RolledBack | Deployed | Failed] = [*self.rolled_back, *self.deployed, *self.failed]
        over = [one for one in ends if one.version == start.version and within(one.at)]
        judged = tuple(one for one in self.judgements if one.version == start.version and within(one.at))
        return CanaryRun(start, judged, min(over, key=lambda one: one.at, default=None))

    def versions(self) -> list[int]:
        """All that are known to have answered requests, ascending."""
        handed_over = {one.version for one in self.deployed} | {one.version for one in self.canaries}
        return sorted(handed_over | {one.version for one in self.windows})

    def measure(self, window: Window) -> None:
        """A higher revision of a version's window takes the place of a lower one, however late it comes."""
        kept = self.windows
        same = next(
            (i for i, old in enumerate(kept) if (old.start, old.version) == (window.start, window.version)), None
        )
        if same is None:
            _insert(kept, window, key=lambda one: (one.start, one.version), most=KEPT_WINDOWS)
        elif kept[same].revision < window.revision:
            kept[same] = window

    def latest_window(self, version: int | None = None) -> Window | None:
        """The newest; of one version where it is named."""
        return next((one for one in reversed(self.windows) if version in (None, one.version)), None)

    def note(self, batch: Batch) -> None:
        """As it stands now; over `KEPT_EVENTS` the oldest are forgotten."""
        self.batches[batch.id] = batch
        while len(self.batches) > KEPT_EVENTS:
            del self.batches[min(self.batches.values(), key=lambda one: one.at).id]


def remember(kept: list[T], fact: T, *, at: Callable[[T], datetime]) -> None:
    """In the order of time; of two at one moment the one heard later comes later."""
    _insert(kept, fact, key=lambda one: (at(one), 0), most=KEPT_EVENTS)


def _insert(kept: list[T], one: T, *, key: Callable[[T], tuple[datetime, int]], most: int) -> None:
    insort(kept, one, key=key)
    del kept[:-most]


def shares(steps: Sequence[float]) -> list[str]:
    """`copies`, `5 %`, `25 %`: what each step of a canary gets of the requests."""
    return [f"{step * 100:.3g} %" if step else "copies" for step in steps]
