"""What no broker takes never enters an outbox, where everything behind it would wait for it."""

from murmur_events import LARGEST_RECORD, Envelope, to_record
from murmur_kernel.errors import EventTooLarge

_ADDED_LATER = 1024
"""Bytes at most: the store numbers the event, the relay names the span of its publication."""

_LONGEST_REASON = 10_000


def within_limits(envelope: Envelope) -> Envelope:
    """The same envelope. Raises EventTooLarge."""
    size = to_record(envelope).size + _ADDED_LATER
    if size > LARGEST_RECORD:
        raise EventTooLarge(envelope.topic, envelope.key, size, LARGEST_RECORD)
    return envelope


def shortened(reason: str) -> str:
    """As an event can tell why something failed, which may quote all of what failed: its first 10,000 characters."""
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 1]}…"
