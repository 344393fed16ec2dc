"""The trace that a request belongs to, as the W3C's header `traceparent` names it."""

import re

HEADER = "traceparent"
_FORM = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NONE = "0" * 32


def trace_id_of(traceparent: str | None) -> str:
    """32 hexadecimal digits; "" where there is no valid header."""
    found = _FORM.match(traceparent) if traceparent else None
    return "" if found is None or found[1] == _NONE else found[1]
