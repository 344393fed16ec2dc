"""NOT moved down to single conditions, so that stores need know nothing of three-valued logic.

By SQL's logic a condition on what a thing lacks is neither true nor false, and stays so under NOT. De Morgan's laws
hold for it. What is left are conditions that are true or not: "the field is there, and (not) so".
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from murmur_search.nodes import And, Field, Filter, Leaf, Matches, Not, Or, Present


@dataclass(frozen=True)
class Condition:
    """`denied`: true where the field is there and no value of it meets the leaf."""

    leaf: Leaf
    denied: bool = False

    @property
    def field(self) -> Field | None:
        return None if isinstance(self.leaf, Matches) else self.leaf.field


@dataclass(frozen=True)
class All:
    parts: tuple["Normal", ...]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple["Normal", ...]


Normal = Condition | All | AnyOf


def normal(filter: Filter | None, *, denied: bool = False) -> Normal:
    match filter:
        case None:
            return All(())
        case Not(part):
            return normal(part, denied=not denied)
        case And(parts) | Or(parts):
            inner = tuple(normal(part, denied=denied) for part in parts)
            return _flat(All if isinstance(filter, And) is not denied else AnyOf, inner)
        case Present():
            return Condition(replace(filter, present=filter.present is not denied))
        case _:
            return Condition(filter, denied)


def _flat(shape: type[All] | type[AnyOf], parts: tuple[Normal, ...]) -> Normal:
    flat: list[Normal] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, shape) else (part,))
    return shape(tuple(flat))


def conjuncts(whole: Normal) -> Iterator[Normal]:
    """What must all be true."""
    if isinstance(whole, All):
        yield from whole.parts
    else:
        yield whole


def is_sure_of(condition: Condition) -> bool:
    """Whether it can be true only where the field is there."""
    return not (isinstance(condition.leaf, Present) and not condition.leaf.present)
