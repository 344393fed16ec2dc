"""Page tokens: where a page ended, bound to the search that it is of."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from murmur_search.errors import TokenRefused
from murmur_search.nodes import Filter, Order

Position = tuple[str | int | float | None, ...]


@dataclass(frozen=True, kw_only=True)
class RunQuery:
    """`orders` are complete: see `Schema.complete`. `limit` may change from page to page."""

    experiments: tuple[str, ...]
    orders: tuple[Order, ...]
    filter: Filter | None = None
    workspace: str = "default"
    lifecycle: str | None = "active"  # None: whatever it is
    limit: int = 1000
    token: str | None = None

    @property
    def digest(self) -> str:
        about = (sorted(set(self.experiments)), self.orders, self.filter, self.workspace, self.lifecycle)
        return hashlib.sha256(repr(about).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RunsPage:
    ids: tuple[str, ...]
    next_token: str | None = None


def token_of(query: RunQuery, position: Position) -> str:
    text = json.dumps([query.digest, *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def position_of(query: RunQuery, columns: Sequence[type]) -> Position | None:
    """The last place of the page before, as many values as there are columns. Raises TokenRefused."""
    if not query.token:
        return None
    try:
        found = json.loads(base64.b64decode(query.token.encode(), altchars=b"-_", validate=True))
    except ValueError:
        raise TokenRefused(query.token, "it cannot be read.") from None
    if not isinstance(found, list) or not found or not isinstance(found[0], str):
        raise TokenRefused(query.token, "it is not one of ours.")
    if found[0] != query.digest:
        raise TokenRefused(query.token, "it belongs to another search: filter, order or experiments differ.")
    position = tuple(found[1:])
    if len(position) != len(columns) or not all(
        value is None or (type(value) in (int, float) if wanted is float else type(value) is wanted)
        for value, wanted in zip(position, columns, strict=True)
    ):
        raise TokenRefused(query.token, "its place is not one of this order.")
    return position
