"""Sizes of pages, and pages of what is at hand as a whole: a token says where the next one begins."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from zlib import crc32

from murmur_mlflow.fields import Fields
from murmur_mlflow.refusals import BadValue

T = TypeVar("T")

_WHAT_TO_DO = "hand back what the page before gave as next_page_token"


def page_size(fields: Fields, *, default: int, largest: int) -> int:
    """Raises BadValue."""
    size = fields.integer("max_results", default)
    if size <= 0:
        raise BadValue(
            f"Invalid value {size} for parameter 'max_results' supplied. It must be a positive integer, at most"
            f" {largest}"
        )
    if size > largest:
        raise BadValue(f"Invalid value {size} for parameter 'max_results' supplied. It must be at most {largest}")
    return size


def slice_page(
    items: Sequence[T], limit: int, token: str | None, *, search: str | None = None
) -> tuple[Sequence[T], dict[str, Any]]:
    """A page, and the token of the next one where there is more. Raises BadValue.

    search: what is searched for, where the token of another search is refused
    """
    bound = {} if search is None else {"of": crc32(search.encode())}
    first = _offset(token, bound) if token else 0
    end = first + limit
    page = items[first:end]
    if limit < 1 or end >= len(items):
        return page, {}
    return page, {"next_page_token": token_of({"offset": end, **bound})}


def token_of(said: Mapping[str, Any]) -> str:
    return base64.b64encode(json.dumps(said).encode()).decode()


def said_in(token: str) -> dict[str, Any]:
    """What a token was made of. Raises BadValue."""
    try:
        decoded = base64.b64decode(token, validate=True)
    except ValueError:
        raise BadValue(f"Invalid page token, could not base64-decode {token!r}: {_WHAT_TO_DO}") from None
    try:
        said = json.loads(decoded)
    except ValueError:
        raise BadValue(f"Invalid page token, decoded value={decoded!r}: {_WHAT_TO_DO}") from None
    if not isinstance(said, dict):
        raise BadValue(f"Invalid page token, parsed value={said!r}: {_WHAT_TO_DO}")
    return said


def _offset(token: str, bound: Mapping[str, Any]) -> int:
    said = said_in(token)
    offset = said.get("offset")
    if not isinstance(offset, int) or offset < 0:
        raise BadValue(f"Invalid page token, parsed value={said}: {_WHAT_TO_DO}")
    if any(said.get(name) != value for name, value in bound.items()):
        raise BadValue("Invalid page token: it belongs to another filter or order; repeat the search without it")
    return offset
