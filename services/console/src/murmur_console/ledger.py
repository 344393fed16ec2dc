"""What audit answers of its ledger, as far as the console shows it."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from murmur_console.clients import FrontDoor, Refusal

T = TypeVar("T", bound=BaseModel)

FILTERS = ("topic", "key", "correlation_id", "event_id", "since", "until")
"""What entries are found by: names of audit's own query, and of the page's address."""


class Entry(BaseModel):
    position: int
    kind: str
    at: datetime
    time: datetime
    topic: str
    partition: int
    first: int
    last: int
    count: int
    key: str
    event_id: str
    correlation_id: str
    source: str
    hash: str


class Page(BaseModel):
    items: list[Entry]
    next: str | None


class Opened(Entry):
    previous: str
    intact: bool
    headers: dict[str, str]
    value: str | None
    sha256: str | None


class Head(BaseModel):
    position: int
    hash: str


class Signed(BaseModel):
    position: int
    at: datetime
    key: str


class Fault(BaseModel):
    kind: str
    position: int
    detail: str
    topic: str


class Verified(BaseModel):
    at: datetime
    ok: bool
    up_to: int
    anchored: int
    faults: list[Fault]


class Summary(BaseModel):
    head: Head
    events: int
    digests: int
    digested: int
    last_checkpoint: Signed | None
    verified: Verified | None
    lag: int


async def summary(door: FrontDoor) -> Summary:
    """All of these raise Unreachable or Refusal."""
    return await _read(door, Summary, "/v1/summary", {})


async def entries(door: FrontDoor, query: Mapping[str, str]) -> Page:
    return await _read(door, Page, "/v1/entries", query)


async def entry(door: FrontDoor, position: int) -> Opened:
    return await _read(door, Opened, f"/v1/entries/{position}", {"proof": "false"})


async def _read(door: FrontDoor, form: type[T], path: str, query: Mapping[str, str]) -> T:
    content = await door.read("audit", path, query)
    try:
        return form.model_validate_json(content)
    except ValidationError as error:
        raise Refusal(200, f"an answer of audit that does not fit the contract: {error}") from error
