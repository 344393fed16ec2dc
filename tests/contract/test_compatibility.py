"""What counts as a breaking change of a schema, kind by kind."""

from typing import Any

import pytest

from contracts.compatibility import breaking_changes
from murmur_events import CATALOG

Schema = dict[str, Any]


def event(
    properties: Schema, *, required: tuple[str, ...] = (), defs: Schema | None = None, **keywords: object
) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "$defs": defs or {}, **keywords}


def with_part(part: Schema, *, required: tuple[str, ...] = ()) -> Schema:
    """An event whose field `model` refers to a type of its own."""
    return event({"model": {"$ref": "#/$defs/Part"}}, defs={"Part": event(part, required=required)})


STRING, INTEGER, NULL = {"type": "string"}, {"type": "integer"}, {"type": "null"}

BREAKING = {
    "a field is removed": (event({"model": STRING, "by": STRING}), event({"model": STRING}), "/by"),
    "a field is renamed": (event({"model": STRING}), event({"name": STRING}), "/model"),
    "a field changes its type": (event({"version": INTEGER}), event({"version": STRING}), "/version"),
    "a new field is required": (
        event({"model": STRING}, required=("model",)),
        event({"model": STRING, "by": STRING}, required=("model", "by")),
        "/by",
    ),
    "an optional field becomes required": (
        event({"by": STRING}),
        event({"by": STRING}, required=("by",)),
        "/by: is now required",
    ),
    "a required field becomes optional": (
        event({"by": STRING}, required=("by",)),
        event({"by": STRING}),
        "/by: is no longer required",
    ),
    "a word is added to a closed set": (
        event({"verdict": {"enum": ["better"]}}),
        event({"verdict": {"enum": ["better", "worse"]}}),
        "/verdict: enum",
    ),
    "a word is taken from a closed set": (
        event({"verdict": {"enum": ["better", "worse"]}}),
        event({"verdict": {"enum": ["better"]}}),
        "/verdict: enum",
    ),
    "a closed set is opened": (
        event({"verdict": {"type": "string", "enum": ["better"]}}),
        event({"verdict": STRING}),
        "/verdict: enum",
    ),
    "a constant changes": (event({"form": {"const": "a"}}), event({"form": {"const": "b"}}), "/form: const"),
    "a pattern changes": (
        event({"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}),
        event({"sha256": {"type": "string", "pattern": "^[0-9a-f]{40}$"}}),
        "/sha256: pattern",
    ),
    "a format changes": (
        event({"at": {"type": "string", "format": "date-time"}}),
        event({"at": STRING}),
        "/at: format",
    ),
    "a bound is tightened": (
        event({"rows": {"type": "integer", "minimum": 0}}),
        event({"rows": {"type": "integer", "minimum": 1}}),
        "/rows: minimum",
    ),
    "a bound is dropped, so that older readers refuse what newer ones write": (
        event({"rows": {"type": "integer", "maximum": 9}}),
        event({"rows": {"type": "integer"}}),
        "/rows: maximum",
    ),
    "a list must be longer": (
        event({"rows": {"type": "array", "items": INTEGER}}),
        event({"rows": {"type": "array", "items": INTEGER, "minItems": 1}}),
        "/rows: minItems",
    ),
    "items of a list change their type": (
        event({"rows": {"type": "array", "items": INTEGER}}),
        event({"rows": {"type": "array", "items": STRING}}),
        "/rows/items",
    ),
    "items of a list lose their type": (
        event({"rows": {"type": "array", "items": INTEGER}}),
        event({"rows": {"type": "array"}}),
        "/rows: items",
    ),
    "values of a map change their type": (
        event({"metrics": {"type": "object", "additionalProperties": INTEGER}}),
        event({"metrics": {"type": "object", "additionalProperties": STRING}}),
        "/metrics/additionalProperties",
    ),
    "unknown fields are not ignored any more": (
        event({"model": STRING}),
        event({"model": STRING}, additionalProperties=False),
        "additionalProperties",
    ),
    "one place of a tuple changes": (
        event({"range": {"type": "array", "prefixItems": [INTEGER, INTEGER]}}),
        event({"range": {"type": "array", "prefixItems": [INTEGER, STRING]}}),
        "/range/prefixItems/1",
    ),
    "a field may not be null any more": (
        event({"baseline": {"anyOf": [INTEGER, NULL]}}),
        event({"baseline": INTEGER}),
        "/baseline: anyOf",
    ),
    "a field may be null now": (
        event({"baseline": INTEGER}),
        event({"baseline": {"anyOf": [INTEGER, NULL]}}),
        "/baseline: anyOf",
    ),
    "one form of several changes": (
        event({"value": {"anyOf": [INTEGER, STRING]}}),
        event({"value": {"anyOf": [INTEGER, {"type": "boolean"}]}}),
        "/value/anyOf/1: type",
    ),
    "a field of a nested object is removed": (
        event({"model": event({"uri": STRING, "size": INTEGER})}),
        event({"model": event({"uri": STRING})}),
        "/model/size: was removed",
    ),
    "a field behind a reference is removed": (
        with_part({"uri": STRING, "size": INTEGER}),
        with_part({"uri": STRING}),
        "/model/size: was removed",
    ),
    "a field behind a reference becomes required": (
        with_part({"uri": STRING}),
        with_part({"uri": STRING}, required=("uri",)),
        "/model/uri: is now required",
    ),
    "a field behind a reference in a list in a choice changes": (
        event(
            {"rows": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Row"}}, NULL]}},
            defs={"Row": event({"value": INTEGER})},
        ),
        event(
            {"rows": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Row"}}, NULL]}},
            defs={"Row": event({"value": STRING})},
        ),
        "/rows/anyOf/0/items/value: type",
    ),
}

COMPATIBLE = {
    "nothing changes": (event({"model": STRING}, required=("model",)), event({"model": STRING}, required=("model",))),
    "an optional field is added": (
        event({"model": STRING}, required=("model",)),
        event({"model": STRING, "by": {"type": "string", "default": ""}}, required=("model",)),
    ),
    "an optional field is added behind a reference": (
        with_part({"uri": STRING}, required=("uri",)),
        with_part({"uri": STRING, "size": {"anyOf": [INTEGER, NULL], "default": None}}, required=("uri",)),
    ),
    "a description is reworded": (
        event({"model": {"type": "string", "description": "its name"}}),
        event({"model": {"type": "string", "description": "the name of it", "title": "Model"}}),
    ),
    "a type gets a name of its own": (event({"model": event({"uri": STRING})}), with_part({"uri": STRING})),
    "the order of fields changes": (
        event({"model": STRING, "by": STRING}, required=("model", "by")),
        event({"by": STRING, "model": STRING}, required=("by", "model")),
    ),
}


@pytest.mark.parametrize(("old", "new", "named"), BREAKING.values(), ids=BREAKING)
def test_it_breaks_when(old: Schema, new: Schema, named: str) -> None:
    found = breaking_changes(old, new)
    assert any(named in complaint for complaint in found), found


@pytest.mark.parametrize(("old", "new"), COMPATIBLE.values(), ids=COMPATIBLE)
def test_it_does_not_break_when(old: Schema, new: Schema) -> None:
    assert breaking_changes(old, new) == []


@pytest.mark.parametrize("topic", CATALOG, ids=lambda topic: topic.name)
def test_losing_any_field_of_a_real_event_breaks(topic: Any) -> None:
    schema = topic.event.model_json_schema()
    for name in schema["properties"]:
        fields = {other: field for other, field in schema["properties"].items() if other != name}
        assert any(f"/{name}: was removed" in one for one in breaking_changes(schema, schema | {"properties": fields}))
