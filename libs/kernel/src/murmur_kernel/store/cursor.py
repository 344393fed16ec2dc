"""Page cursors: opaque to callers, the place of the last row inside."""

import base64
import json

from murmur_kernel.documents import Field
from murmur_kernel.errors import BadCursor


def encode(value: Field, order: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([value, order]).encode()).decode()


def decode(cursor: str) -> tuple[Field, int]:
    """Raises BadCursor."""
    try:
        value, order = json.loads(base64.urlsafe_b64decode(cursor))
        return value, int(order)
    except (ValueError, TypeError):
        raise BadCursor(cursor) from None
