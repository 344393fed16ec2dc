"""What no broker takes never enters an outbox, where everything behind it would wait for it."""

from murmur_events import LARGEST_RECORD, Envelope, to_record
from murmur_kernel.errors import EventTooLarge

_ADDED_LATER = 1024
"""Bytes at most: the store numbers the event, the relay names the span of its publication."""

_WIDEST = 4
"""Bytes of a character in UTF-8: what is far from the limit is not written out to be weighed."""

LONGEST_ID = 255
"""Characters of an id or a key that is told on: a foreign record's may be as long as the record."""

_LONGEST_REASON = 10_000


def within_limits(envelope: Envelope) -> Envelope:
    """The same envelope. Raises EventTooLarge."""
    if _characters(envelope) * _WIDEST < LARGEST_RECORD // 2:
        return envelope
    size = to_record(envelope).size + _ADDED_LATER
    if size > LARGEST_RECORD:
        raise EventTooLarge(envelope.topic, envelope.key, size, LARGEST_RECORD)
    return envelope


def _characters(envelope: Envelope) -> int:
    """Of all that is as long as it likes; headers name the key twice."""
    chain = len(envelope.correlation_id) + len(envelope.causation_id or "")
    return len(envelope.event.payload) + 3 * len(envelope.key) + len(envelope.id) + chain


def shortened(text: str, longest: int = _LONGEST_REASON) -> str:
    """As an event can tell it: a reason may quote all of what failed, of which its first characters say enough."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
