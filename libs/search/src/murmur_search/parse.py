"""Text to trees: filters and orders."""

from collections.abc import Sequence
from functools import cache, lru_cache

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from murmur_search.build import Builder
from murmur_search.errors import FilterRefused
from murmur_search.nodes import Filter, Order
from murmur_search.resolve import Resolver
from murmur_search.schema import Schema
from murmur_search.trouble import refusal

LONGEST = 1_000_000  # characters; a thousand run ids take 40,000


@cache
def grammar() -> Lark:
    return Lark.open(
        "grammar.lark",
        rel_to=__file__,
        parser="lalr",
        start=["filter", "order"],
        maybe_placeholders=True,
        propagate_positions=False,
    )


def parse_filter(text: str | None, schema: Schema) -> Filter | None:
    """None where nothing is asked. Raises FilterRefused."""
    if text is None or not text.strip():
        return None
    if len(text) > LONGEST:
        raise FilterRefused(text[:100], 0, f"The filter has {len(text)} characters; {LONGEST} are allowed.")
    return _filter(text, schema)


@lru_cache(512)
def _filter(text: str, schema: Schema) -> Filter:
    return Builder(text, schema).filter(_tree(text, "filter"))


def parse_order(clauses: Sequence[str], schema: Schema) -> tuple[Order, ...]:
    """What is asked for alone: `schema.complete` adds what breaks ties. Raises FilterRefused."""
    found: dict[object, Order] = {}
    for clause in clauses:
        resolver = Resolver(schema, clause)
        for term in _tree(clause, "order").children:
            assert isinstance(term, Tree)
            name, direction = term.children
            field = resolver.field(str(name), _start(name), "order")
            if field in found:
                raise FilterRefused(clause, _start(name), f"`order_by` contains duplicate fields: {field} twice.")
            found[field] = Order(field, descending=direction is not None and str(direction).lower() == "desc")
    return tuple(found.values())


def _start(token: object) -> int:
    return getattr(token, "start_pos", None) or 0


def _tree(text: str, start: str) -> "Tree[Token]":
    try:
        return grammar().parse(text, start=start)
    except UnexpectedInput as unexpected:
        raise refusal(text, unexpected, "clause" if start == "filter" else "order_by clause") from None
