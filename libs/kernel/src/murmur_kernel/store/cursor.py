"""Page cursors: opaque to callers, the place of the last row inside."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from murmur_kernel.documents import Field
from murmur_kernel.errors import BadCursor


def encode(value: Field, order: int) -> str:
    return encode_place([value, order])


def decode(cursor: str) -> tuple[Field, int]:
    """Raises BadCursor."""
    try:
        value, order = decode_place(cursor, 2)
        return value, int(order)
    except (ValueError, TypeError):
        raise BadCursor(cursor) from None


def encode_place(place: Sequence[str | float | None]) -> str:
    """The values by which rows are ordered, as the last row of a page has them."""
    return base64.urlsafe_b64encode(json.dumps(list(place)).encode()).decode()


def decode_place(cursor: str, length: int) -> list[Any]:
    """Raises BadCursor."""
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        raise BadCursor(cursor) from None
    if not isinstance(place, list) or len(place) != length:
        raise BadCursor(cursor)
    return place
