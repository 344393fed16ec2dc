"""The fields of one call, from its query or its JSON body, checked and refused in MLflow's words."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request

from murmur_registry.domain.models import DEFAULT_WORKSPACE, model_key
from murmur_registry.domain.names import workspace_named
from murmur_registry.domain.refusals import Invalid

_DOCS = " See the API docs for more information about request parameters."
_LARGEST_BODY = 8 * 2**20


class Fields:
    """What a call says, by name; `null` is nothing. All methods raise Invalid."""

    def __init__(self, values: Mapping[str, Any], workspace: str) -> None:
        self._values = values
        self.workspace = workspace

    def text(self, name: str) -> str:
        """Required: an empty one counts as missing."""
        value = self.optional_text(name)
        if not value:
            raise _missing(name)
        return value

    def optional_text(self, name: str) -> str | None:
        value = self._get(name)
        if value is not None and not isinstance(value, str):
            raise _wrong(name, value)
        return value

    def texts(self, name: str) -> list[str]:
        value = self._get(name)
        if value is None:
            return []
        if isinstance(value, str):
            return [value]
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _wrong(name, value)
        return value

    def flag(self, name: str) -> bool:
        value = self._get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise _wrong(name, value)

    def number(self, name: str, *, default: int, most: int) -> int:
        value = self._get(name)
        if value is None:
            return default
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise _wrong(name, value) from None
        if isinstance(value, bool) or number > most:
            raise _wrong(name, value)
        return number

    def tags(self) -> dict[str, str]:
        """A list of `{"key": …, "value": …}`; of two with one key the last counts."""
        value = self._get("tags")
        if value is None:
            return {}
        if not isinstance(value, list):
            raise _wrong("tags", value)
        tags: dict[str, str] = {}
        for place, one in enumerate(value):
            if not isinstance(one, dict):
                raise _wrong("tags", value)
            key, text = one.get("key"), one.get("value", "")
            if not key:
                raise _missing(f"tags[{place}].key")
            if not isinstance(key, str) or not isinstance(text, str):
                raise _wrong("tags", value)
            tags[key] = text
        return tags

    def model(self) -> str:
        """The key of the model that the call names."""
        return model_key(self.workspace, self.text("name"))

    def version(self) -> int:
        text = self.text("version")
        try:
            return int(text)
        except ValueError:
            raise Invalid(f"Parameter 'version' must be an integer, got '{text}'.") from None

    def _get(self, name: str) -> Any:
        """In either of the two spellings that protocol buffers know."""
        camel = _camel(name)
        if camel != name and camel in self._values:
            if name in self._values:
                raise Invalid(f"Request specifies both '{name}' and '{camel}'; provide only one of them.")
            return self._values[camel]
        return self._values.get(name)


async def read_fields(request: Request) -> Fields:
    """Raises Invalid."""
    workspace = workspace_named(request.headers.get("x-murmur-workspace", DEFAULT_WORKSPACE))
    if request.method == "GET" and request.query_params:
        found: dict[str, Any] = {}
        for name, value in request.query_params.multi_items():
            found[name] = [*found[name], value] if isinstance(found.get(name), list) else _and(found.get(name), value)
        return Fields(found, workspace)
    body = await request.body()
    if len(body) > _LARGEST_BODY:
        raise Invalid(f"the body has {len(body):,} bytes, and {_LARGEST_BODY:,} are the most: shorten its texts")
    kind = request.headers.get("content-type", "")
    if body and kind.partition(";")[0].strip().lower() != "application/json":
        raise Invalid("Bad Request. Content-Type must be one of ['application/json'].")
    return Fields(_parsed(body), workspace)


def _and(before: Any, value: str) -> Any:
    return value if before is None else [before, value]


def _parsed(body: bytes) -> dict[str, Any]:
    """Broken JSON counts as none; a text that holds JSON is opened once more, as old clients need it."""
    try:
        value = orjson.loads(body) if body else {}
        if isinstance(value, str):
            value = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _missing(name: str) -> Invalid:
    return Invalid(f"Missing value for required parameter '{name}'.{_DOCS}")


def _wrong(name: str, value: Any) -> Invalid:
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return Invalid(
        f"Invalid value {shown} for parameter '{name}' supplied:  Hint: Value was of type"
        f" '{type(value).__name__}'.{_DOCS}"
    )
