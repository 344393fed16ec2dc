"""Whatever the published schema of an event allows is read, and nothing of it is lost on its way out and in again."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from murmur_events import CATALOG, ContractError, Envelope, Event, NotAnEnvelope, Topic, from_record, to_record
from murmur_events.catalog import topic_named

Schema = dict[str, Any]

FEW = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
every_topic = pytest.mark.parametrize("topic", CATALOG, ids=lambda topic: topic.name)

DURATION, SIZE = "(ms|s|m|h|d)$", "(KiB|MiB|GiB)$"
COMMIT = "^[0-9a-f]{40}([0-9a-f]{24})?$"
DIGEST, NAME = "^[0-9a-f]{64}$", "^[a-z][a-z0-9-]{0,62}$"
BATCH = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
TEXT = st.text(max_size=12)
WORDS = st.text(min_size=1, max_size=24, alphabet=st.characters(exclude_categories=["Cs", "Cc"]))
MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
LARGEST = 2**53
UNSAID: dict[str, st.SearchStrategy[Any]] = {
    "Schedule": st.sampled_from([None, "0 0 1 1,4,7,10 *", "*/5 * * * MON"]),
    "Memory": st.integers(1, LARGEST) | st.sampled_from(["512KiB", "1.5 GiB"]),
    "Timeout": st.integers(10, 3_600_000).map("{}ms".format),
    "Idle": st.integers(5, 10**5).map("{}s".format),
}
"""Fields with a rule that their schema does not say: cron takes five fields, memory is more than none, and some
durations have bounds."""


def texts(schema: Schema) -> st.SearchStrategy[Any]:
    """Strings by their pattern: each pattern of the contracts has a strategy, a new one must be given one here."""
    pattern = schema.get("pattern")
    if schema.get("format") == "date-time":
        return MOMENTS.map(lambda moment: moment.isoformat())
    if pattern is None:
        return st.text(min_size=schema.get("minLength", 0), max_size=12)
    if pattern.endswith(DURATION):  # from 1: a limit or a window of nothing is refused, which no pattern says
        return st.builds("{}{}".format, st.integers(1, 10**5), st.sampled_from(["ms", "s", "m", "h", "d", " d"]))
    if pattern.endswith(SIZE):
        return st.builds("{}{}".format, st.integers(1, 10**4), st.sampled_from(["KiB", "MiB", " GiB"]))
    if pattern == DIGEST:
        return st.binary(min_size=32, max_size=32).map(bytes.hex)
    if pattern == COMMIT:
        return st.binary(min_size=20, max_size=20).map(bytes.hex)
    if pattern == NAME:
        return st.text("abcxyz019-", max_size=8).map("w{}".format)
    if pattern == BATCH:
        return st.text("abXY019-_", max_size=99).map("b{}".format)
    raise AssertionError(f"no strategy for strings like {pattern!r}")


def numbers(schema: Schema) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return st.floats(
        min_value=low if low is not None else above,
        max_value=high if high is not None else below,
        exclude_min=above is not None,
        exclude_max=below is not None,
        allow_nan=False,
        allow_infinity=False,
    )


def objects(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        extra = schema.get("additionalProperties")
        values = values_of(extra, root) if isinstance(extra, dict) else NUMBERS
        return st.dictionaries(TEXT, values, max_size=3)
    fields = {name: values_of(field, root) for name, field in schema["properties"].items()}
    required = {name: field for name, field in fields.items() if name in schema.get("required", ())}
    optional = {name: field for name, field in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def arrays(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    if "prefixItems" in schema:
        return st.tuples(*(values_of(part, root) for part in schema["prefixItems"])).map(list)
    return st.lists(values_of(schema["items"], root), min_size=schema.get("minItems", 0), max_size=3)


def values_of(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    """JSON values that a schema allows."""
    if schema.get("title") in UNSAID:
        return UNSAID[schema["title"]]
    if "$ref" in schema:
        return values_of(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    if "anyOf" in schema:
        return st.one_of(*(values_of(form, root) for form in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "string":
            return texts(schema)
        case "integer":
            return st.integers(schema.get("minimum", -LARGEST), schema.get("maximum", LARGEST))
        case "number":
            return numbers(schema)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array":
            return arrays(schema, root)
        case "object":
            return objects(schema, root)
    raise AssertionError(f"no strategy for {schema!r}")


@cache
def payloads(event: type[Event]) -> st.SearchStrategy[dict[str, Any]]:
    """Built once: a strategy is costly to make and cheap to draw from."""
    schema = event.model_json_schema()
    return values_of(schema, schema)


def headers(*, topic: Topic, key: str) -> dict[str, bytes]:
    return {
        "ce_id": b"e-1",
        "ce_type": topic.name.encode(),
        "ce_source": topic.owner.encode(),
        "ce_subject": key.encode(),
        "ce_time": b"2026-11-25T12:00:00+00:00",
        "ce_sequence": b"1",
        "ce_correlationid": b"c-1",
    }


@every_topic
@FEW
@given(data=st.data())
def test_what_the_schema_allows_is_read_and_survives_the_wire(topic: Topic, data: st.DataObject) -> None:
    payload = data.draw(payloads(topic.event))
    read = from_record(topic.name, json.dumps(payload).encode(), headers(topic=topic, key="k").items())
    record = to_record(read)
    assert repr(from_record(record.topic, record.value, record.headers)) == repr(read), (
        "as text, for NaN equals nothing"
    )


@FEW
@given(
    words=st.lists(WORDS, min_size=4, max_size=4),
    cause=st.none() | WORDS,
    trace=st.none() | WORDS,
    sequence=st.integers(0, LARGEST),
    time=MOMENTS,
)
def test_the_headers_of_an_envelope_survive_the_wire(
    words: list[str], cause: str | None, trace: str | None, sequence: int, time: datetime
) -> None:
    topic = next(topic for topic in CATALOG if topic.name == "alert.resolved")
    envelope = Envelope(
        id=words[0],
        source=words[1],
        topic=topic.name,
        key=words[2],
        time=time,
        sequence=sequence,
        correlation_id=words[3],
        causation_id=cause,
        traceparent=trace,
        event=topic.event.model_validate({"alert": "a", "about": "credit", "detail": ""}),
    )
    record = to_record(envelope)
    assert from_record(record.topic, record.value, record.headers) == envelope
    assert record.key.decode() == envelope.key


@every_topic
@FEW
@given(
    value=st.none() | st.binary(max_size=40),
    raw=st.dictionaries(st.sampled_from(sorted(headers(topic=CATALOG[0], key="k"))), st.binary(max_size=12)),
)
def test_garbage_never_raises_anything_but_a_contract_error(
    topic: Topic, value: bytes | None, raw: dict[str, bytes]
) -> None:
    with pytest.raises(ContractError):
        from_record(topic.name, value, raw.items())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_metric_without_a_number_travels_as_the_word_that_its_schema_allows(number: str) -> None:
    topic = topic_named("run.logged")
    point = {"name": "loss", "step": 1, "value": number, "time": "2026-11-25T12:00:00Z"}
    payload = {"run_id": "r", "workflow": "credit", "attempt": 1, "metrics": [point]}
    read = from_record(topic.name, json.dumps(payload).encode(), headers(topic=topic, key="r").items())
    written = json.loads(to_record(read).value)
    assert written["metrics"][0]["value"] == number
    Draft202012Validator(topic.event.model_json_schema()).validate(written)


def test_a_record_that_says_it_is_of_another_type_than_its_topic_is_no_envelope() -> None:
    topic = topic_named("run.logged")
    other = headers(topic=topic, key="r") | {"ce_type": b"run.started"}
    with pytest.raises(NotAnEnvelope, match="ce_type"):
        from_record(topic.name, b"{}", other.items())
