"""Golden events: whatever was ever released parses for ever, loses nothing, and keeps to its published schema."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.examples import Example, golden
from contracts.examples.walk import closed_sets, optional_fields, with_unknown_fields
from contracts.generate import ROOT, schema_path
from murmur_events import CATALOG, Envelope, InvalidPayload, Topic, from_record, to_record
from murmur_events.catalog import topic_named

EXAMPLES = golden()
FULL = tuple(example for example in EXAMPLES if example.name == "full")
MINIMAL = tuple(example for example in EXAMPLES if example.name == "minimal")

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.path)
every_full = pytest.mark.parametrize("example", FULL, ids=lambda example: example.topic)
every_minimal = pytest.mark.parametrize("example", MINIMAL, ids=lambda example: example.topic)
every_topic = pytest.mark.parametrize("topic", CATALOG, ids=lambda topic: topic.name)


def parsed(example: Example, value: Mapping[str, Any] | None = None) -> Envelope:
    wire = example.wire_value if value is None else json.dumps(value).encode()
    return from_record(example.topic, wire, example.wire_headers)


def published_schema(topic: Topic) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / schema_path(topic)).read_text())
    return schema


def complaints(value: object, topic: Topic) -> list[str]:
    errors = Draft202012Validator(published_schema(topic)).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in errors]


def lost(before: Any, after: Any, place: str = "value") -> list[str]:
    """Where `after` does not say what `before` said. Fields that `after` has besides are welcome: defaults."""
    if isinstance(before, dict) and isinstance(after, dict):
        missing = [f"{place}.{name}" for name in before.keys() - after.keys()]
        shared = before.keys() & after.keys()
        return missing + [one for name in shared for one in lost(before[name], after[name], f"{place}.{name}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [one for number, (old, new) in pairs for one in lost(old, new, f"{place}[{number}]")]
    return [] if before == after else [f"{place}: was {before!r}, is {after!r}"]


@every_topic
@pytest.mark.parametrize("name", ["full", "minimal"])
def test_every_topic_has_a_full_and_a_minimal_example(topic: Topic, name: str) -> None:
    path = f"{topic.name}/v{topic.version}/{name}.json"
    assert path in {example.path for example in EXAMPLES}, f"write contracts/examples/{path}"


@every_example
def test_it_belongs_to_a_topic_and_version_that_exist(example: Example) -> None:
    assert (ROOT / f"schemas/{example.topic}/v{example.version}.json").exists()


@every_example
def test_it_parses_and_comes_back_whole(example: Example) -> None:
    envelope = parsed(example)
    record = to_record(envelope)
    assert lost(example.value, json.loads(record.value)) == []
    assert {name: value.decode() for name, value in record.headers} == example.headers
    assert (record.topic, record.key.decode()) == (example.topic, example.key)
    assert from_record(record.topic, record.value, record.headers) == envelope


@every_example
def test_it_is_keyed_by_the_field_that_the_catalog_names(example: Example) -> None:
    topic = topic_named(example.topic)
    assert example.key == str(example.value[topic.key]) == example.headers["ce_subject"]


@every_example
def test_it_keeps_to_its_schema_as_written_and_as_we_write_it(example: Example) -> None:
    topic = topic_named(example.topic)
    assert complaints(example.value, topic) == []
    assert complaints(json.loads(to_record(parsed(example)).value), topic) == []


@every_full
def test_a_full_example_leaves_no_field_out(example: Example) -> None:
    assert json.loads(to_record(parsed(example)).value) == example.value


@every_minimal
def test_a_minimal_example_has_required_fields_only(example: Example) -> None:
    assert optional_fields(example.value, published_schema(topic_named(example.topic))) == []


@every_minimal
def test_a_minimal_example_needs_every_field_it_has(example: Example) -> None:
    for name in example.value:
        rest = {other: value for other, value in example.value.items() if other != name}
        with pytest.raises(InvalidPayload, match=rf"\b{name}\b"):
            parsed(example, rest)


@every_full
def test_fields_of_a_newer_publisher_are_ignored(example: Example) -> None:
    schema = published_schema(topic_named(example.topic))
    newer = with_unknown_fields(example.value, schema, schema)
    assert newer != example.value
    assert parsed(example, newer) == parsed(example)


def decisions() -> Iterator[Any]:
    """Every place of a full example where only certain words may stand."""
    for example in FULL:
        schema = published_schema(topic_named(example.topic))
        for path in closed_sets(example.value, schema, schema):
            yield pytest.param(example, path, id=f"{example.topic}:{'.'.join(map(str, path))}")


@pytest.mark.parametrize(("example", "path"), tuple(decisions()))
def test_an_unknown_word_in_a_closed_set_is_refused_and_its_field_named(
    example: Example, path: tuple[str | int, ...]
) -> None:
    value = deepcopy(example.value)
    owner: Any = value
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = "perhaps"
    with pytest.raises(InvalidPayload) as refused:
        parsed(example, value)
    assert refused.value.topic == example.topic
    assert refused.value.complaint.startswith(".".join(map(str, path)) + ": ")


def test_the_decisions_that_services_act_on_are_closed_sets() -> None:
    """If one of these became a free string, an unknown verdict would reach a handler."""
    closed = {(example.topic, path) for example, path in (parameters.values for parameters in decisions())}
    assert closed >= {
        ("validation.completed", ("verdict",)),
        ("review.decided", ("decision",)),
        ("model.promoted", ("alias",)),
        ("run.failed", ("cause",)),
        ("deployment.failed", ("cause",)),
        ("training.requested", ("trigger", "kind")),
        ("training.skipped", ("why",)),
        ("window.measured", ("outcome",)),
        ("alert.raised", ("severity",)),
        ("workflow.applied", ("definition", "promotion", "review")),
    }
