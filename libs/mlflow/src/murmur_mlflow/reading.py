"""From a request to the fields that it says: of its query, or of its JSON body."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request

from murmur_mlflow.fields import Fields
from murmur_mlflow.refusals import BadValue


async def fields_of(request: Request, largest: int | None = None) -> tuple[Fields, int]:
    """And how many bytes the body had. largest: what a body may have. Raises BadValue."""
    if request.method == "GET" and request.scope["query_string"]:
        return Fields(asked(request.query_params.multi_items()), of_query=True), 0
    body = await request.body()
    if largest is not None and len(body) > largest:
        raise BadValue(f"the body has {len(body):,} bytes, and {largest:,} are the most: shorten its texts")
    said = parsed(body)
    if request.method in ("POST", "PUT"):
        _check_type(request.headers.get("content-type"))
    return Fields(said), len(body)


def parsed(body: bytes) -> Mapping[str, Any]:
    """The object that a body holds; an empty or broken one says nothing, so that the first field is missed.

    A text that holds an object is read once more, as old clients send it. The bare NaN of Python's json is understood.
    """
    said = _read(body)
    if isinstance(said, str):
        said = _read(said.encode())
    return said if isinstance(said, dict) else {}


def asked(query: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """What a query string says: a name that stands several times has a list."""
    said: dict[str, Any] = {}
    for name, value in query:
        if name in said:
            before = said[name]
            said[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            said[name] = value
    return said


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(body)
        except ValueError:
            return None


def _check_type(content_type: str | None) -> None:
    if content_type is None:
        raise BadValue("Bad Request. Content-Type header is missing.")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise BadValue("Bad Request. Content-Type must be one of ['application/json'].")
