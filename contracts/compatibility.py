"""Which changes of a JSON Schema break those who wrote or read by the older one."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_KEYWORDS = (
    "type",
    "enum",
    "const",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Every change by which an event of the old schema might not be read by code of the new one, or the reverse.

    Only optional fields may be added. A removed, renamed, retyped or newly required field, and a changed set of allowed
    values, break. (Adding an allowed value breaks its readers: an unknown value in a decision is a dead letter.)
    """
    return list(_compare("", old, new, old, new))


def _compare(path: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema) -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    for keyword in _KEYWORDS:
        if old.get(keyword) != new.get(keyword):
            yield f"{path or 'the event'}: {keyword} was {old.get(keyword)!r}, is {new.get(keyword)!r}"
    old_fields, new_fields = old.get("properties", {}), new.get("properties", {})
    for name in old_fields.keys() - new_fields.keys():
        yield f"{path}/{name}: was removed"
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{path}/{name}: is now required"
    for name in sorted(set(old.get("required", ())) - set(new.get("required", ()))):
        yield f"{path}/{name}: is no longer required, so older readers may miss it"
    for name in old_fields.keys() & new_fields.keys():
        yield from _compare(f"{path}/{name}", old_fields[name], new_fields[name], old_root, new_root)
    for keyword in ("items", "additionalProperties"):
        if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
            yield from _compare(f"{path}/{keyword}", old[keyword], new[keyword], old_root, new_root)
        elif old.get(keyword) != new.get(keyword):
            yield f"{path or 'the event'}: {keyword} was {old.get(keyword)!r}, is {new.get(keyword)!r}"
    for keyword in ("anyOf", "prefixItems"):
        before, after = old.get(keyword, []), new.get(keyword, [])
        if len(before) != len(after):
            yield f"{path or 'the event'}: {keyword} had {len(before)} forms, has {len(after)}"
        for number, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from _compare(f"{path}/{keyword}/{number}", one, other, old_root, new_root)


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Any = root
    for step in str(reference).removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)
