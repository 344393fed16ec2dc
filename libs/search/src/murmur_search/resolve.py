"""Names as people write them, to the schema's fields."""

from dataclasses import dataclass
from typing import Literal

from murmur_search.errors import FilterRefused, suggestion
from murmur_search.nodes import Field, Kind
from murmur_search.schema import Schema

_QUOTES = "\"'`"
TEXT = "text"  # the field that only MATCH knows


@dataclass(frozen=True)
class Resolver:
    schema: Schema
    text: str  # the whole, for errors

    def field(self, written: str, at: int, purpose: Literal["search", "order"] = "search") -> Field:
        """Raises FilterRefused, pointing at the part of the name that is unknown."""
        first, dot, rest = _split(written)
        if not dot:
            return self._attribute(_bare(first), at, len(first), purpose)
        kind = self.schema.kind_names.get(_bare(first).lower())
        if kind is None:
            known = ", ".join(f"'{one.value}'" for one in self.schema.kinds)
            raise self._refused(
                at,
                len(first),
                f"{self.schema.unknown_kind} {_bare(first)!r}: before the dot stands one of {known}.",
                suggestion(_bare(first), self.schema.kind_names)
                or f"A key with a dot belongs to one of them, as in tags.{_bare(first)}.{rest}.",
            )
        if purpose == "order" and kind not in self.schema.ordered_kinds:
            raise self._refused(at, len(written), f"Invalid order by {written!r}: {kind.value} give no order.", "")
        key_at, key = at + len(first) + 1, _bare(rest)
        match kind:
            case Kind.ATTRIBUTE:
                return self._attribute(key, key_at, len(rest), purpose)
            case Kind.DATASET if key not in self.schema.datasets:
                valid = ", ".join(map(repr, self.schema.datasets))
                reason = f"Invalid dataset key {key!r} specified: a dataset has {valid}."
                raise self._refused(key_at, len(rest), reason, suggestion(key, self.schema.datasets))
            case _:
                return Field(kind, key)

    def _attribute(self, key: str, at: int, length: int, purpose: Literal["search", "order"]) -> Field:
        known = self.schema.attribute_names.get(key)
        if known is not None and (known.searchable if purpose == "search" else known.orderable):
            return Field(Kind.ATTRIBUTE, known.name)
        names = [
            one.name for one in self.schema.attributes if (one.searchable if purpose == "search" else one.orderable)
        ]
        if purpose == "search" and self.schema.text:
            names.append(TEXT)
        raise self._refused(
            at,
            length,
            f"Invalid {'attribute' if purpose == 'search' else 'order by'} key {key!r} specified:"
            f" a {self.schema.name} has {', '.join(names)}.",
            suggestion(key, [*names, *self.schema.kind_names]),
        )

    def _refused(self, at: int, length: int, reason: str, hint: str) -> FilterRefused:
        return FilterRefused(self.text, at, reason, end=at + length, hint=hint)


def _split(written: str) -> tuple[str, str, str]:
    """At the first dot that is not inside quotes."""
    if written[0] in _QUOTES:
        close = written.index(written[0], 1) + 1
        return written[:close], written[close : close + 1], written[close + 1 :]
    return written.partition(".")


def _bare(name: str) -> str:
    return name[1:-1] if name[0] in _QUOTES and name[-1] == name[0] and len(name) > 1 else name
