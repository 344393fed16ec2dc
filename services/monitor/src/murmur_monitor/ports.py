"""What the monitor needs of others, each with a real implementation and one for tests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from murmur_monitor.domain.comparison import Pair, Reference
from murmur_monitor.domain.drift import ColumnTest
from murmur_monitor.domain.windows import Calendar, Millis, Window
from murmur_monitor.repository import KnownVersion

EngineName = Literal["auto", "alibi", "scipy"]


class EngineMissing(ValueError):
    """A workflow asks for a library that is not installed here."""

    def __init__(self, engine: str) -> None:
        super().__init__(
            f"the drift engine {engine!r} is not installed: install murmur-monitor[alibi],"
            f" or write `engine: auto` under monitoring.drift in the workflow file"
        )


class UnreadableReference(ValueError):
    """The artifact is there and is not what the version promises."""

    def __init__(self, version: KnownVersion, complaint: str) -> None:
        super().__init__(
            f"the reference of {version.deployment!r} version {version.version} ({version.reference.uri}) {complaint}:"
            f" train the model again, or look at what its training wrote"
        )


class DriftDetector(Protocol):
    """Two-sample tests: Kolmogorov-Smirnov (asymptotic) for amounts, chi-squared for groups."""

    @property
    def engine(self) -> str:
        """The library that computes, with its version."""
        ...

    def load(self) -> None:
        """Import what is needed, so that the first test does not wait for it. Takes time: call it in a thread."""
        ...

    def test(self, pairs: Sequence[Pair]) -> tuple[ColumnTest, ...]:
        """One result a pair, in their order. Takes CPU time and no other: call it in a thread."""
        ...


@dataclass(frozen=True, order=True)
class FoldKey:
    """Names a fold for ever. A key's records come from one partition, so that their offsets can be compared."""

    partition: int
    deployment: str
    version: int
    window: Window


class Folds(Protocol):
    """The windows being folded, and those closed lately."""

    def states(self) -> Mapping[FoldKey, bytes]:
        """All folds, encoded; a fold that has changed is another object."""
        ...

    async def time(self, now: Millis) -> Millis | None:
        """Up to when all rows have been folded: `now`, or less while there is a backlog; None while it is not known."""
        ...

    def forget(self, keys: Iterable[FoldKey]) -> None:
        """Let go of these, for good."""
        ...


class Calendars(Protocol):
    async def __call__(self, deployment: str) -> Calendar | None:
        """How the deployment's time is cut into windows; None while it is unknown. Raises Transient."""
        ...


class References(Protocol):
    async def of(self, version: KnownVersion) -> Reference:
        """What a version was made with. Raises ArtifactError, UnreadableReference, Transient."""
        ...
