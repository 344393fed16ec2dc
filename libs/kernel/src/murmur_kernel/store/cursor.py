"""Page cursors: opaque to callers, the place of the last row inside."""

import base64
import json

from murmur_kernel.documents import Field


def encode(value: Field, order: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([value, order]).encode()).decode()


def decode(cursor: str) -> tuple[Field, int]:
    """Raises ValueError for text that is no cursor."""
    try:
        value, order = json.loads(base64.urlsafe_b64decode(cursor))
        return value, int(order)
    except (ValueError, TypeError):
        raise ValueError(f"cursor {cursor!r} did not come from a page: repeat the call without it") from None
