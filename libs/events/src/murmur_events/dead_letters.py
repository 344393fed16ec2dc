"""Records that a service could not handle."""

from pydantic import AwareDatetime

from murmur_events.base import Event


class DeadLettered(Event):
    """A record went no further: where it came from, why, and itself untouched for a later redrive."""

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
