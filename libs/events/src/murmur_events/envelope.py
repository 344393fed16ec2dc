"""An event on its way: CloudEvents 1.0 in Kafka binary mode, attributes in `ce_` headers, JSON in the value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from murmur_events.base import Event
from murmur_events.catalog import Topic, topic_named
from murmur_events.errors import InvalidPayload, NotAnEnvelope

CONTENT_TYPE = "application/json"

LARGEST_RECORD = 8 * 2**20
"""Bytes of one record, as brokers count them: every producer is told so, and every broker (message.max.bytes)."""


class Record(NamedTuple):
    """What a broker stores of one event, in the broker's own terms."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    @property
    def size(self) -> int:
        """Bytes of it on a broker, at most: what Kafka writes around a batch, a record and a header is counted too."""
        headers = sum(len(name) + len(value) + 16 for name, value in self.headers)
        return len(self.key) + len(self.value) + headers + 128


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """Why a payload does not fit its schema, at one place: where, what stands there, what should."""

    path: str
    found: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """One event with its identity, its place in the history of its aggregate, and its cause.

    sequence counts per aggregate and key, from 1. causation_id is the id of the event whose handling published this
    one, None at a root. Every event of one chain carries the same correlation_id. traceparent is the span of its
    publication (W3C Trace Context): as CloudEvents' attribute, and once more under the plain name that other clients'
    instrumentation reads and writes.
    """

    id: str
    source: str
    topic: str
    key: str
    time: datetime
    sequence: int
    correlation_id: str
    causation_id: str | None
    event: Event
    traceparent: str | None = field(default=None)


def to_record(envelope: Envelope) -> Record:
    """The envelope in wire form."""
    topic = topic_named(envelope.topic)
    headers: dict[str, str | None] = {
        "ce_specversion": "1.0",
        "ce_id": envelope.id,
        "ce_source": envelope.source,
        "ce_type": envelope.topic,
        "ce_subject": envelope.key,
        "ce_time": envelope.time.isoformat(),
        "ce_dataschema": f"schemas/{topic.name}/v{topic.version}.json",
        "ce_partitionkey": envelope.key,
        "ce_sequence": str(envelope.sequence),
        "ce_correlationid": envelope.correlation_id,
        "ce_causationid": envelope.causation_id,
        "ce_traceparent": envelope.traceparent,
        "traceparent": envelope.traceparent,
        "content-type": CONTENT_TYPE,
    }
    return Record(
        topic=envelope.topic,
        key=envelope.key.encode(),
        value=envelope.event.payload.encode(),
        headers=tuple((name, value.encode()) for name, value in headers.items() if value is not None),
    )


def from_record(topic: str, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """The envelope that a record carries.

    Raises UnknownTopic, NotAnEnvelope (a header is missing or malformed) or InvalidPayload (the value does not fit).
    """
    row = topic_named(topic)
    text = {name: raw.decode("utf-8", errors="replace") for name, raw in headers}
    if _required(text, "ce_type", topic) != topic:
        raise NotAnEnvelope(topic, "ce_type")
    return Envelope(
        id=_required(text, "ce_id", topic),
        source=_required(text, "ce_source", topic),
        topic=topic,
        key=_required(text, "ce_subject", topic),
        time=_parsed(_moment, text, "ce_time", topic),
        sequence=_parsed(int, text, "ce_sequence", topic),
        correlation_id=_required(text, "ce_correlationid", topic),
        causation_id=text.get("ce_causationid"),
        traceparent=text.get("ce_traceparent") or text.get("traceparent"),
        event=_payload(row, value),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment


def _required(headers: Mapping[str, str], name: str, topic: str) -> str:
    value = headers.get(name)
    if not value:
        raise NotAnEnvelope(topic, name)
    return value


def _parsed(parse: Any, headers: Mapping[str, str], name: str, topic: str) -> Any:
    try:
        return parse(_required(headers, name, topic))
    except ValueError:
        raise NotAnEnvelope(topic, name) from None


def complaints(topic: str, value: bytes) -> tuple[Complaint, ...]:
    """What the schema of `topic` says against a payload; nothing where it fits. Raises UnknownTopic."""
    try:
        topic_named(topic).event.model_validate_json(value)
    except ValidationError as error:
        return tuple(
            Complaint(
                path=".".join(str(part) for part in one["loc"]),
                found="nothing" if one["type"] == "missing" else _shortened(repr(one["input"])),
                expected=one["msg"],
            )
            for one in error.errors(include_url=False)
        )
    return ()


def _shortened(text: str, longest: int = 200) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _payload(topic: Topic, value: bytes | None) -> Event:
    try:
        return topic.event.model_validate_json(value or b"")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the value"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise InvalidPayload(topic.name, f"{place}: {first['msg']}{more}") from error
