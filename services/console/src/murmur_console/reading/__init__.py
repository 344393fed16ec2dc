"""Reads events into facts: the one place that knows what each event means for people and which works it bounds."""

from murmur_console.domain.facts import Fact
from murmur_console.reading import judging, making, registry, serving
from murmur_console.reading.reading import read
from murmur_events import Envelope, to_record

__all__ = ["fact_of", "judging", "making", "registry", "serving"]


def fact_of(envelope: Envelope) -> Fact:
    return Fact(
        id=envelope.id,
        topic=envelope.topic,
        service=envelope.source,
        key=envelope.key,
        time=envelope.time,
        sequence=envelope.sequence,
        correlation_id=envelope.correlation_id,
        causation_id=envelope.causation_id,
        headers={name: value.decode() for name, value in to_record(envelope).headers},
        payload=envelope.event.model_dump(mode="json"),
        **vars(read(envelope.event)),
    )
