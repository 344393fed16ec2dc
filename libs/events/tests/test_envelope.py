"""An event on the wire: what stands in which header, and what is said of a record that is none."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from murmur_events import ContractError, Envelope, InvalidPayload, NotAnEnvelope, UnknownTopic, from_record, to_record
from murmur_events.base import ModelName
from murmur_events.catalog import topic_named
from murmur_events.models import ReviewDecided

DECIDED = ReviewDecided(model=ModelName("credit"), version=2, decision="approved", by="Ada", reason="no slice lost")

ENVELOPE = Envelope(
    id="e-2",
    source="registry",
    topic="review.decided",
    key="credit",
    time=datetime(2026, 11, 25, 12, 3, 7, 412000, tzinfo=UTC),
    sequence=7,
    correlation_id="c-1",
    causation_id="e-1",
    event=DECIDED,
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)

REQUIRED_HEADERS = ("ce_id", "ce_source", "ce_subject", "ce_time", "ce_sequence", "ce_correlationid")


def headers_of(envelope: Envelope) -> dict[str, bytes]:
    return dict(to_record(envelope).headers)


def test_it_comes_back_as_it_went() -> None:
    record = to_record(ENVELOPE)
    assert from_record(record.topic, record.value, record.headers) == ENVELOPE


def test_a_changed_copy_is_written_as_it_is() -> None:
    assert to_record(ENVELOPE).value.count(b"no slice lost") == 1
    changed = replace(ENVELOPE, event=DECIDED.model_copy(update={"reason": "none"}))
    assert b"no slice lost" not in to_record(changed).value


@pytest.mark.parametrize(
    ("topic", "source", "waited_for"),
    [("run.completed", "trainer", True), ("run.completed", "tracking", False), ("model.logged", "tracking", True)],
)
def test_what_clients_log_is_waited_for_by_nobody(topic: str, source: str, waited_for: bool) -> None:
    assert topic_named(topic).is_waited_for(source) is waited_for


def test_a_root_comes_back_without_a_cause() -> None:
    root = replace(ENVELOPE, causation_id=None, traceparent=None)
    record = to_record(root)
    assert {"ce_causationid", "ce_traceparent"}.isdisjoint(dict(record.headers))
    assert from_record(record.topic, record.value, record.headers) == root


def test_it_is_a_cloud_event_in_kafka_binary_mode() -> None:
    record = to_record(ENVELOPE)
    assert record.topic == "review.decided"
    assert record.key == b"credit"
    assert json.loads(record.value) == DECIDED.model_dump()
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"e-2",
        "ce_source": b"registry",
        "ce_type": b"review.decided",
        "ce_subject": b"credit",
        "ce_time": b"2026-11-25T12:03:07.412000+00:00",
        "ce_dataschema": b"schemas/review.decided/v1.json",
        "ce_partitionkey": b"credit",
        "ce_sequence": b"7",
        "ce_correlationid": b"c-1",
        "ce_causationid": b"e-1",
        "ce_traceparent": b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "traceparent": b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "content-type": b"application/json",
    }


def test_another_zone_is_the_same_moment() -> None:
    elsewhere = replace(ENVELOPE, time=ENVELOPE.time.astimezone(timezone(timedelta(hours=5, minutes=30))))
    record = to_record(elsewhere)
    assert from_record(record.topic, record.value, record.headers).time == ENVELOPE.time


def test_headers_of_others_are_ignored() -> None:
    record = to_record(ENVELOPE)
    headers = (*record.headers, ("ce_rating", b"5"), ("x-proxy", b"\xff"))
    assert from_record(record.topic, record.value, headers) == ENVELOPE


@pytest.mark.parametrize("name", REQUIRED_HEADERS)
@pytest.mark.parametrize("value", [None, b""], ids=["absent", "empty"])
def test_a_record_without_a_header_names_it(name: str, value: bytes | None) -> None:
    headers = {other: raw for other, raw in headers_of(ENVELOPE).items() if other != name}
    if value is not None:
        headers[name] = value
    with pytest.raises(NotAnEnvelope, match=rf"'review\.decided'.*'{name}'") as refused:
        from_record("review.decided", to_record(ENVELOPE).value, headers.items())
    assert (refused.value.topic, refused.value.missing) == ("review.decided", name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-13-01T00:00:00+00:00"),
        ("ce_time", b"2026-11-25T12:00:00"),
        ("ce_sequence", b"seven"),
        ("ce_sequence", b"7.5"),
    ],
)
def test_a_header_that_makes_no_sense_is_named(name: str, value: bytes) -> None:
    headers = headers_of(ENVELOPE) | {name: value}
    with pytest.raises(NotAnEnvelope, match=f"'{name}'"):
        from_record("review.decided", to_record(ENVELOPE).value, headers.items())


def test_bytes_that_are_no_text_do_not_break_the_reader() -> None:
    headers = headers_of(ENVELOPE) | {"ce_time": b"\xff\xfe"}
    with pytest.raises(NotAnEnvelope, match="'ce_time'"):
        from_record("review.decided", to_record(ENVELOPE).value, headers.items())


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (None, "the value: "),
        (b"", "the value: "),
        (b"{", "the value: "),
        (b"[]", "the value: "),
        (b"\xff\xfe", "the value: "),
        (b'{"model": "credit", "version": 2, "by": "Ada", "reason": "fine"}', "decision: Field required"),
        (b'{"model": "credit", "version": 0, "decision": "approved", "by": "Ada", "reason": "fine"}', "version: "),
        (b'{"model": "credit", "version": 2, "decision": "approved", "by": "", "reason": "fine"}', "by: "),
        (b'{"model": "credit", "version": 2, "decision": "shrugged", "by": "Ada", "reason": "fine"}', "decision: "),
        (b"{}", "(and 4 more)"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_topic_and_field(value: bytes | None, complaint: str) -> None:
    with pytest.raises(InvalidPayload, match=r"'review\.decided'") as refused:
        from_record("review.decided", value, to_record(ENVELOPE).headers)
    assert refused.value.topic == "review.decided"
    assert complaint in refused.value.complaint


def test_a_nested_field_is_named_by_its_path() -> None:
    value = b'{"workflow": "credit", "trigger": {"kind": "whim", "key": "k"}, "as_of": "2005-10-01T00:00:00Z"}'
    headers = headers_of(ENVELOPE) | {"ce_type": b"training.requested"}
    with pytest.raises(InvalidPayload, match=r"trigger\.kind: .*'schedule'"):
        from_record("training.requested", value, headers.items())


def test_a_moment_without_a_zone_is_refused() -> None:
    """It could not be compared with any other."""
    value = b'{"workflow": "credit", "trigger": {"kind": "manual", "key": "k"}, "as_of": "2005-10-01T00:00:00"}'
    headers = headers_of(ENVELOPE) | {"ce_type": b"training.requested"}
    with pytest.raises(InvalidPayload, match=r"as_of: .*timezone"):
        from_record("training.requested", value, headers.items())


def test_an_unknown_topic_is_named_both_ways() -> None:
    record = to_record(ENVELOPE)
    with pytest.raises(UnknownTopic, match=r"'model\.exploded'"):
        from_record("model.exploded", record.value, record.headers)
    with pytest.raises(UnknownTopic, match=r"'model\.exploded'"):
        to_record(replace(ENVELOPE, topic="model.exploded"))


@pytest.mark.parametrize("error", [UnknownTopic, NotAnEnvelope, InvalidPayload])
def test_one_root_catches_whatever_is_wrong_with_a_record(error: type[Exception]) -> None:
    assert issubclass(error, ContractError)


def test_events_are_immutable() -> None:
    with pytest.raises(ValueError, match="frozen"):
        DECIDED.decision = "refused"
