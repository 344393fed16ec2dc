"""Records that a service could not handle, and what people decided about them."""

from typing import Literal

from pydantic import AwareDatetime, Field

from murmur_events.base import Event, Value


class LetterChange(Value):
    """One field of a letter's payload before and after an edit, as JSON text; None where it was not there."""

    path: str
    before: str | None
    after: str | None


class LetterDecision(Value):
    """redriven: handed to its handler again. edited: its payload was corrected. discarded: let go of for good."""

    kind: Literal["redriven", "edited", "discarded"]
    by: str = Field(min_length=1)
    reason: str = ""
    changes: tuple[LetterChange, ...] = Field(default=(), description="of an edit")


class DeadLettered(Event):
    """A record went no further: where it came from and why. With a decision: what a person did about it."""

    letter_id: str
    service: str
    topic: str
    partition: int
    offset: int
    key: str
    error: str
    reason: str
    event_id: str | None
    at: AwareDatetime
    decision: LetterDecision | None = Field(default=None, description="absent: it has just died")
