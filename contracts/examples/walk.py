"""Walks a golden event along its JSON Schema: which of its parts are optional, and which are closed sets of words."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def resolved(schema: Schema, root: Schema) -> Schema:
    """Without $ref, and of `X or null` the X."""
    if "$ref" in schema:
        return resolved(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    forms = [form for form in schema.get("anyOf", ()) if form.get("type") != "null"]
    return resolved(forms[0], root) if len(forms) == 1 else schema


def parts(value: Any, schema: Schema, root: Schema) -> Iterator[tuple[str | int, Any, Schema]]:
    """The fields or items of a value, each with its schema."""
    if isinstance(value, dict) and "properties" in schema:
        for name, field in schema["properties"].items():
            if name in value:
                yield name, value[name], resolved(field, root)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for number, item in enumerate(value):
            yield number, item, resolved(schema["items"], root)


def closed_sets(value: Any, schema: Schema, root: Schema) -> Iterator[tuple[str | int, ...]]:
    for step, part, part_schema in parts(value, schema, root):
        if "enum" in part_schema:
            yield (step,)
        for rest in closed_sets(part, part_schema, root):
            yield (step, *rest)


def optional_fields(value: Any, schema: Schema, root: Schema | None = None) -> list[str]:
    found = []
    for step, part, part_schema in parts(value, schema, root or schema):
        if isinstance(value, dict) and step not in schema.get("required", ()):
            found.append(str(step))
        found += [f"{step}.{rest}" for rest in optional_fields(part, part_schema, root or schema)]
    return found


def with_unknown_fields(value: Any, schema: Schema, root: Schema) -> Any:
    """Every object that has a type of its own with a field more; maps whose keys are data stay as they are."""
    inner = {
        step: with_unknown_fields(part, part_schema, root) for step, part, part_schema in parts(value, schema, root)
    }
    if isinstance(value, list):
        return list(inner.values()) if inner else value
    if "properties" in schema and isinstance(value, dict):
        return inner | {"from_a_newer_publisher": {"since": "1.9"}}
    return value
