"""What a filter means, and how things are ordered: the reference that every store is held to.

- A condition on a field that the thing lacks is unknown, and so is its negation: `NOT metrics.auc > 1` finds runs that
  have the metric. Only IS NULL finds those that have not. AND and OR are SQL's (Kleene's).
- NaN differs from every number: `!=` holds of it, no other comparison does.
- A run has several datasets: a condition holds if one of them meets it, its negation by NOT if there are some and none
  does.
- Texts are compared by code points; LIKE tells cases apart, ILIKE does not.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Any, TypeVar

from murmur_search.nodes import (
    And,
    Compare,
    Field,
    Filter,
    Kind,
    Leaf,
    Like,
    Matches,
    Not,
    OneOf,
    Or,
    Order,
    Present,
    Value,
)
from murmur_search.patterns import matcher
from murmur_search.schema import Schema

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One thing that is searched. Attributes by the schema's names; `words` of its text (see `words.text_of`)."""

    attributes: Mapping[str, Value | None]
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[Mapping[str, str | None]] = ()
    words: frozenset[str] = frozenset()

    def values(self, of: Field) -> list[Value]:
        """None, one, or of datasets several."""
        if of.kind is Kind.DATASET:
            return [value for dataset in self.datasets if (value := dataset.get(of.key)) is not None]
        sources: Mapping[Kind, Mapping[str, Value | None]] = {
            Kind.METRIC: self.metrics,
            Kind.PARAM: self.params,
            Kind.TAG: self.tags,
            Kind.ATTRIBUTE: self.attributes,
        }
        single = sources[of.kind].get(of.key)
        return [] if single is None else [single]


def evaluate(filter: Filter | None, entity: Entity) -> bool:
    return filter is None or _truth(filter, entity) is True


def _truth(filter: Filter, entity: Entity) -> bool | None:
    match filter:
        case And(parts):
            truths = [_truth(part, entity) for part in parts]
            return False if False in truths else (None if None in truths else True)
        case Or(parts):
            truths = [_truth(part, entity) for part in parts]
            return True if True in truths else (None if None in truths else False)
        case Not(part):
            truth = _truth(part, entity)
            return None if truth is None else not truth
        case Matches(words, prefixes):
            return entity.words.issuperset(words) and all(
                any(word.startswith(start) for word in entity.words) for start in prefixes
            )
        case Present(of, present):
            return bool(entity.values(of)) is present
        case _:
            values = entity.values(filter.field)
            return any(_meets(filter, value) for value in values) if values else None


def _meets(leaf: Leaf, value: Value) -> bool:
    match leaf:
        case Compare(_, comparison, wanted):
            return _COMPARE[comparison](value, wanted)
        case Like(_, pattern, any_case, negated):
            return (matcher(pattern, any_case).match(str(value)) is not None) is not negated
        case OneOf(_, wanted, negated):
            return (value in wanted) is not negated
    raise TypeError(leaf)


T = TypeVar("T")


def ordered(things: Iterable[T], orders: Sequence[Order], schema: Schema, entity: Callable[[T], Entity]) -> list[T]:
    """Sorted by `orders` and what breaks their ties: absent values last in either direction, NaN just before them."""
    complete = schema.complete(orders)
    digits = {one.name for one in schema.attributes if one.digits}
    keyed = [(tuple(_place(order, entity(thing), digits) for order in complete), thing) for thing in things]

    def compare(one: tuple[_Key, T], other: tuple[_Key, T]) -> int:
        for order, mine, theirs in zip(complete, one[0], other[0], strict=True):
            if mine[0] != theirs[0]:
                return mine[0] - theirs[0]
            if mine[1] != theirs[1]:
                before = mine[1] < theirs[1]  # type: ignore[operator]  # values of one field are of one type
                return -1 if before is not order.descending else 1
        return 0

    return [thing for _, thing in sorted(keyed, key=cmp_to_key(compare))]


_Key = tuple[tuple[int, Value], ...]


def _place(order: Order, entity: Entity, digits: set[str]) -> tuple[int, Value]:
    values = entity.values(order.field)
    if not values:
        return 2, 0
    value = values[0]
    if isinstance(value, float) and math.isnan(value):
        return 1, 0
    if order.field.kind is Kind.ATTRIBUTE and order.field.key in digits:
        return 0, int(value)
    return 0, value
