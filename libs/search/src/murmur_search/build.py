"""Lark's tree to ours, with what a grammar cannot say: types, operators, limits."""

from typing import Any, cast

from lark import Token, Tree

from murmur_search import words
from murmur_search.errors import FilterRefused
from murmur_search.nodes import (
    And,
    Compare,
    Field,
    Filter,
    Kind,
    Like,
    Matches,
    Not,
    OneOf,
    Operator,
    Or,
    Present,
    Value,
)
from murmur_search.resolve import TEXT, Resolver
from murmur_search.schema import Schema, Type

_NUMBER_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_TEXT_OPERATORS = ("=", "!=")
_INSTEAD = {"==": "=", "<>": "!=", "=<": "<=", "=>": ">="}

CONDITIONS = 300  # SQLite's expressions may be a thousand deep
DEEPEST = 60
VALUES = 20_000
PATTERN = 2_000  # characters: SQLite refuses patterns of 50,000 bytes


class Builder:
    def __init__(self, text: str, schema: Schema) -> None:
        self._text = text
        self._schema = schema
        self._resolver = Resolver(schema, text)
        self._conditions = 0

    def filter(self, tree: "Tree[Any]") -> Filter:
        return self._node(tree.children[0], 0)

    def _node(self, tree: "Tree[Any]", depth: int) -> Filter:
        if depth > DEEPEST:
            raise FilterRefused(self._text, 0, f"Parentheses and NOT stand more than {DEEPEST} deep.")
        match str(tree.data):
            case "and_":
                return And(tuple(self._node(part, depth + 1) for part in tree.children if isinstance(part, Tree)))
            case "or_":
                return Or(tuple(self._node(part, depth + 1) for part in tree.children if isinstance(part, Tree)))
            case "negation":
                return Not(self._node(tree.children[1], depth + 1))
            case name:
                return self._condition(name, tree.children)

    def _condition(self, name: str, parts: list[Any]) -> Filter:
        self._conditions += 1
        written: Token = parts[0]
        if self._conditions > CONDITIONS:
            raise self._refused(written, f"A search has at most {CONDITIONS} conditions.", "Use IN for many values.")
        if name == "matches":
            return self._matches(written, parts[2])
        if self._schema.text and written == TEXT:
            raise self._refused(written, "Names, tags and notes are searched by words.", "Write text MATCH 'words'.")
        field = self._resolver.field(str(written), written.start_pos or 0)
        match name:
            case "comparison":
                return Compare(field, self._operator(field, parts[1]), self._value(field, parts[2]))
            case "like":
                if self._schema.type_of(field) is Type.NUMBER:
                    raise self._refused(parts[2], f"Invalid comparator '{parts[2]}': {field} is a number.", "")
                pattern = str(self._value(field, parts[3]))
                if len(pattern) > PATTERN:
                    raise self._refused(parts[3], f"A pattern has at most {PATTERN} characters.", "")
                return Like(field, pattern, any_case=parts[2].type == "ILIKE", negated=parts[1] is not None)
            case "one_of":
                return self._one_of(field, parts)
            case _:
                return Present(field, present=parts[2] is not None)

    def _one_of(self, field: Field, parts: list[Any]) -> OneOf:
        written = [part for part in parts[3:] if part is not None]
        if not written:
            reason = "A list has at least one value: expected a non-empty list of string values."
            raise self._refused(parts[2], reason, "")
        if len(written) > VALUES:
            raise self._refused(parts[2], f"A list has at most {VALUES} values.", "")
        return OneOf(field, tuple(self._value(field, token) for token in written), negated=parts[1] is not None)

    def _matches(self, written: Token, token: Token) -> Matches:
        if not self._schema.text:
            raise self._refused(written, f"MATCH is not for a {self._schema.name}.", "Use LIKE on a field.")
        if written != TEXT:
            hint = f"Write text MATCH {token}, or {written} ILIKE '%…%'."
            raise self._refused(written, "MATCH looks through names, tags and notes as one.", hint)
        if token.type != "STRING":
            raise self._refused(token, f"Words to search for stand in quotes. Got {token}.", f"Write '{token}'.")
        whole, starts = words.asked(_unquoted(token))
        if not whole and not starts:
            raise self._refused(token, f"There is no word in {token}.", "")
        return Matches(whole, starts)

    def _operator(self, field: Field, token: Token) -> Operator:
        numeric = self._schema.type_of(field) is Type.NUMBER
        allowed = _NUMBER_OPERATORS if numeric else _TEXT_OPERATORS
        if token not in allowed:
            also = "" if numeric else ", LIKE, ILIKE, IN"
            hint = f"Write {_INSTEAD[token]}." if _INSTEAD.get(token) in allowed else ""
            reason = f"Invalid comparator '{token}': {field} takes {', '.join(allowed)}{also}."
            raise self._refused(token, reason, hint)
        return cast(Operator, str(token))

    def _value(self, field: Field, token: Token) -> Value:
        if self._schema.type_of(field) is Type.NUMBER:
            if token.type != "NUMBER":
                kind = "metric" if field.kind is Kind.METRIC else f"numeric attribute: {field.key}"
                raise self._refused(token, f"Expected numeric value type for {kind}. Found {token}.", "")
            return _number(token, whole=field.kind is not Kind.METRIC)
        if token.type != "STRING":
            what = {Kind.PARAM: "parameter", Kind.TAG: "tag", Kind.DATASET: "dataset attributes"}
            bare = str(token).strip("`")
            reason = f"Expected a quoted string value for {what.get(field.kind, 'attributes')}. Got value {token}."
            raise self._refused(token, reason, f"Write '{bare}' if it is meant as text.")
        return _unquoted(token)

    def _refused(self, token: Token, reason: str, hint: str) -> FilterRefused:
        at = token.start_pos or 0
        return FilterRefused(self._text, at, reason, end=at + len(token), hint=hint)


def _unquoted(token: Token) -> str:
    quote = token[0]
    return str(token[1:-1]).replace(quote * 2, quote)


def _number(token: Token, *, whole: bool) -> int | float:
    """Whole numbers stay exact for attributes, which are such, as far as stores can keep them."""
    if whole:
        try:
            number = int(token)
        except ValueError:
            return float(token)
        return number if -(2**63) <= number < 2**63 else float(number)
    return float(token)
