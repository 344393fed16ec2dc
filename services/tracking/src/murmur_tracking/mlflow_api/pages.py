"""Sizes of pages, and pages of what is at hand as a whole."""

import base64
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from murmur_tracking.domain.refusals import BadValue
from murmur_tracking.mlflow_api.fields import Fields

T = TypeVar("T")


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


def slice_page(items: Sequence[T], limit: int, token: str) -> tuple[Sequence[T], dict[str, Any]]:
    """A page, and the token of the next one where there is more. Raises BadValue."""
    first = _offset(token) if token else 0
    page = items[first : first + limit]
    if first + limit >= len(items):
        return page, {}
    text = json.dumps({"offset": first + limit})
    return page, {"next_page_token": base64.b64encode(text.encode()).decode()}


def _offset(token: str) -> int:
    try:
        said = json.loads(base64.b64decode(token, validate=True))
        offset = said["offset"]
        if isinstance(offset, int) and offset >= 0:
            return offset
    except (ValueError, TypeError, KeyError):
        pass
    raise BadValue(f"Invalid page token {token!r}: hand back what the page before gave as next_page_token")
