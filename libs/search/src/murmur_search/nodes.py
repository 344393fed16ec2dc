"""A filter as a tree: a closed union of frozen dataclasses, whose names are those of the schema."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """What a field belongs to. The value is how it is written."""

    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    ATTRIBUTE = "attributes"
    DATASET = "datasets"


@dataclass(frozen=True)
class Field:
    """`key` is the schema's own name for attributes and datasets, never an alias."""

    kind: Kind
    key: str

    def __str__(self) -> str:
        return self.key if self.kind is Kind.ATTRIBUTE else f"{self.kind}.{self.key}"


Value = str | int | float
Operator = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Compare:
    field: Field
    operator: Operator
    value: Value


@dataclass(frozen=True)
class Like:
    """% stands for any characters, _ for one; there is no escape."""

    field: Field
    pattern: str
    any_case: bool = False
    negated: bool = False


@dataclass(frozen=True)
class OneOf:
    field: Field
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True)
class Present:
    """IS NOT NULL; with present=False IS NULL."""

    field: Field
    present: bool


@dataclass(frozen=True)
class Matches:
    """All these words are in the thing's text; those of `prefixes` as the start of a word."""

    words: tuple[str, ...]
    prefixes: tuple[str, ...] = ()


Leaf = Compare | Like | OneOf | Present | Matches


@dataclass(frozen=True)
class Not:
    part: "Filter"


@dataclass(frozen=True)
class And:
    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Or:
    parts: tuple["Filter", ...]


Filter = Leaf | Not | And | Or


@dataclass(frozen=True)
class Order:
    """Things without the field come last in either direction, those whose metric is NaN just before them."""

    field: Field
    descending: bool = False
