"""What can be searched in one kind of thing: its fields, their types and their other names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from murmur_search.nodes import Field, Kind, Order


class Type(StrEnum):
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True)
class Attribute:
    """`values`: what it is usually one of, for completion; other values are no mistake, they match nothing."""

    name: str
    type: Type = Type.TEXT
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    orderable: bool = True
    digits: bool = False  # a text of digits, ordered as a number
    searchable: bool = True


@dataclass(frozen=True)
class Schema:
    """`default_order` where none is asked for; `ties` end every other order. Both are total: their last fields
    are unique together and never absent."""

    name: str
    attributes: tuple[Attribute, ...]
    kinds: tuple[Kind, ...]
    default_order: tuple[Order, ...]
    ties: tuple[Order, ...]
    ordered_kinds: tuple[Kind, ...]
    datasets: tuple[str, ...] = ()
    text: bool = False
    unknown_kind: str = "Invalid entity type"  # how the refusal of a name begins whose first part is unknown
    prefixes: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @cached_property
    def attribute_names(self) -> Mapping[str, Attribute]:
        """By name and by alias."""
        return {name: one for one in self.attributes for name in (one.name, *one.aliases)}

    @cached_property
    def kind_names(self) -> Mapping[str, Kind]:
        """What may stand before the dot, in small letters."""
        return {name: kind for kind in self.kinds for name in self.prefixes.get(kind, (kind.value,))}

    def type_of(self, of: Field) -> Type:
        if of.kind is Kind.ATTRIBUTE:
            return self.attribute_names[of.key].type
        return Type.NUMBER if of.kind is Kind.METRIC else Type.TEXT

    def complete(self, orders: Iterable[Order]) -> tuple[Order, ...]:
        """The order asked for and what breaks its ties."""
        asked = tuple(orders) or self.default_order
        fields = {order.field for order in asked}
        return asked + tuple(order for order in self.ties if order.field not in fields)
