"""One event as the console thinks of it: who, when, why, what it begins and what it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Tone(StrEnum):
    """How much a thing wants to be seen."""

    PLAIN = "plain"
    CAUTION = "caution"
    """Somebody should know: a model was rejected, data drifted."""
    TROUBLE = "trouble"
    """Something is broken."""


class WorkKind(StrEnum):
    """What lasts between two events."""

    QUEUE = "queue"
    """A request waits for a worker."""
    TRAINING = "training"
    VALIDATION = "validation"
    REVIEW = "review"
    """A person is waited for."""
    ROLLOUT = "rollout"
    BATCH = "batch"
    """A file of rows is scored."""

    @property
    def waiting(self) -> bool:
        """Nobody works meanwhile: something is waited for."""
        return self in (WorkKind.QUEUE, WorkKind.REVIEW)


@dataclass(frozen=True)
class Work:
    """One piece of work or one wait. `of` names it: a run, a version, a request."""

    kind: WorkKind
    of: str


@dataclass(frozen=True, kw_only=True)
class Fact:
    """An event, read.

    label:    two or three words beside its mark
    headline: one line for people
    opens, closes: works that begin and end with it
    """

    id: str
    topic: str
    service: str
    key: str
    time: datetime
    sequence: int
    correlation_id: str
    causation_id: str | None
    label: str
    headline: str
    tone: Tone = Tone.PLAIN
    workflow: str | None = None
    model: str | None = None
    version: int | None = None
    run: str | None = None
    repeats: str | None = None
    """Facts that follow one another with the same value here tell one story: they share a mark."""
    opens: tuple[Work, ...] = ()
    closes: tuple[Work, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, object] = field(default_factory=dict)
