"""What `up` and `down` tell while they work: plain facts that a terminal, a log or a test may show as it likes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Downloading:
    """Bytes of something that is fetched from the network; emitted at 0 and as it grows."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Step:
    """Something that is done once, as it begins."""

    what: str


@dataclass(frozen=True)
class ProcessChanged:
    """A process reached another phase ("starting", "ready", "backing off", …)."""

    name: str
    phase: str
    detail: str = ""
    seconds: float = 0.0


Progress: TypeAlias = Downloading | Step | ProcessChanged
Emit: TypeAlias = Callable[[Progress], None]


def ignore(_progress: Progress) -> None:
    """For those who do not want to be told."""
