"""Pages of a search: a token says where the next begins, and of which search it is."""

import json
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from zlib import crc32

from murmur_registry.domain.refusals import Invalid

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    start: int
    size: int
    search: int

    def cut(self, found: Sequence[T]) -> tuple[Sequence[T], str | None]:
        """The page, and the token of the next one if there is more."""
        end = self.start + self.size
        if end >= len(found) or self.size < 1:
            return found[self.start : end], None
        token = b64encode(json.dumps({"offset": end, "of": self.search}).encode()).decode()
        return found[self.start : end], token


def page_of(token: str | None, size: int, search: str) -> Page:
    """Raises Invalid for a token that no page of this search gave."""
    of = crc32(search.encode())
    if not token:
        return Page(0, size, of)
    try:
        decoded = b64decode(token, validate=True)
    except (Error, ValueError):
        raise Invalid("Invalid page token, could not base64-decode") from None
    try:
        parsed = json.loads(decoded)
    except ValueError:
        raise Invalid(f"Invalid page token, decoded value={decoded!r}") from None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("offset"), int) or parsed["offset"] < 0:
        raise Invalid(f"Invalid page token, parsed value={parsed}")
    if parsed.get("of") != of:
        raise Invalid("Invalid page token: it belongs to another filter or order; repeat the search without it")
    return Page(parsed["offset"], size, of)
