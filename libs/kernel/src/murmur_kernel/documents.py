"""What a service keeps: documents by kind and id, with a version and a few declared indexes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

Scalar = str | int | float | bool | datetime | Enum | None
Field = str | float | None
"""What an index holds: text, or a number (times as seconds since 1970), or nothing."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of the answers, and where to go on; `next` is None at the end."""

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True)
class Document:
    """A stored document: `version` counts its saves from 1."""

    kind: str
    id: str
    version: int
    body: str


@dataclass(frozen=True)
class Query:
    """Equality on indexes, one order, one page. Without `order_by`, in the order of first saving."""

    where: Mapping[str, Field] = field(default_factory=dict)
    order_by: str | None = None
    descending: bool = False
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True)
class Kind(Generic[T]):
    """How documents of one type are named and found.

    indexes: top-level fields that may be filtered and sorted by.
    keeps:   how many decoded documents are kept, for what reads all of them again and again. Only for types that are
             immutable all through: whoever loads the same text gets the same object.
    entry:   from the document as it was read (None: not read, or new) and as it is saved to what the service's search
             index is to be told of it, in the same commit
    """

    name: str
    type: type[T]
    key: Callable[[T], str]
    indexes: tuple[str, ...] = ()
    keeps: int = 0
    entry: Callable[[T | None, T], object] | None = None

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self.type)

    def dump(self, entity: T) -> str:
        return self._adapter.dump_json(entity).decode()

    @cached_property
    def _decode(self) -> Callable[[str], T]:
        return lru_cache(self.keeps)(self._adapter.validate_json) if self.keeps else self._adapter.validate_json

    def load(self, body: str) -> T:
        return self._decode(body)

    def fields(self, entity: T) -> dict[str, Field]:
        return {name: as_field(getattr(entity, name)) for name in self.indexes}


def as_field(value: Any) -> Field:
    """A value in the form in which both stores compare it: equal and ordered alike."""
    match value:
        case None:
            return None
        case Enum():
            return as_field(value.value)
        case datetime():
            return value.timestamp()
        case bool() | int() | float():
            return float(value)
        case _:
            return str(value)
