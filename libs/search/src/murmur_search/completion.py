"""What may stand at a place of a search: for a search box."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lark import Token
from lark.exceptions import UnexpectedInput

from murmur_search.errors import FilterRefused
from murmur_search.nodes import Field, Kind
from murmur_search.parse import grammar
from murmur_search.resolve import TEXT, Resolver
from murmur_search.schema import Schema, Type

Purpose = Literal["search", "order"]

_PIECE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|[^'"`]+""")
_WORD = re.compile(r"""(?:[^\W\d]\w*\.(?=[`"]?$))?[^\s=!<>~,;()'"`]*$""")
_BEFORE_QUOTE = re.compile(r"[^\W\d]\w*\.$")
_PLAIN_KEY = re.compile(r"""[^\s=!<>~,;()'"`]+""")
_TEXT_OPERATORS = ("=", "!=", "LIKE", "ILIKE", "IN (", "NOT LIKE", "NOT IN (", "IS NULL", "IS NOT NULL")
_NUMBER_OPERATORS = (">", ">=", "<", "<=", "=", "!=", "IS NULL", "IS NOT NULL")
_WORDS = {
    "AND": "AND",
    "OR": "OR",
    "LIKE": "LIKE",
    "ILIKE": "ILIKE",
    "IN": "IN (",
    "NULL": "NULL",
    "ASC": "ASC",
    "DESC": "DESC",
    "RPAR": ")",
    "COMMA": ",",
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """Keys and values that the history has, as far as the caller knows them. `values` by the field as it is written."""

    keys: Mapping[Kind, Sequence[str]] = field(default_factory=dict)
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Completion:
    """Each of `texts` may replace the text from `start` to the cursor."""

    start: int
    texts: tuple[str, ...]


def complete(
    text: str, cursor: int, schema: Schema, known: Known, *, purpose: Purpose = "search", limit: int = 50
) -> Completion:
    """Nothing where what stands before the cursor is wrong. Those that begin as typed come first."""
    before = text[:cursor]
    start = _start(before)
    tokens, wanted = _read(before[:start], purpose)
    typed = before[start:]
    texts = dict.fromkeys(_offered(tokens, wanted, _Offer(schema, known, purpose, typed)))
    plain = typed.replace("`", "").replace('"', "").replace("'", "").casefold()
    first = [one for one in texts if _bare(one).startswith(plain)]
    others = [one for one in texts if plain and plain in _bare(one) and one not in first]
    return Completion(start, tuple([*first, *others][:limit]))


def _bare(text: str) -> str:
    return re.sub("[`\"']", "", text).casefold()


def _start(before: str) -> int:
    """Where the word or the open quotes begin in which the cursor stands."""
    at = 0
    while (piece := _PIECE.match(before, at)) is not None:
        at = piece.end()
    if at < len(before):  # a quote is open: of a key after a dot, else of a value
        key = _BEFORE_QUOTE.search(before[:at])
        return key.start() if key else at
    word = _WORD.search(before)
    return word.start() if word else at


def _read(before: str, purpose: Purpose) -> tuple[list[Token], Collection[str]]:
    parser = grammar().parse_interactive(before, start="filter" if purpose == "search" else "order")
    try:
        tokens = list(parser.exhaust_lexer())
    except UnexpectedInput:
        return [], ()
    return tokens, parser.accepts()  # type: ignore[no-untyped-call]  # Lark has no types there


@dataclass(frozen=True)
class _Offer:
    schema: Schema
    known: Known
    purpose: Purpose
    typed: str

    def fields(self) -> Iterator[str]:
        prefix, dot, _ = self.typed.partition(".")
        kind = self.schema.kind_names.get(prefix.lower()) if dot else None
        if kind is not None:
            yield from (f"{prefix}.{name}" for name in self._keys(kind))
            return
        for one in self.schema.attributes:
            if one.searchable if self.purpose == "search" else one.orderable:
                yield one.name
        if self.schema.text and self.purpose == "search":
            yield TEXT
        kinds = self.schema.kinds if self.purpose == "search" else self.schema.ordered_kinds
        for kind in kinds:
            if kind is not Kind.ATTRIBUTE:
                yield f"{kind.value}."
        for kind in kinds:
            if self.typed and kind is not Kind.ATTRIBUTE:  # `au` finds metrics.auc
                yield from (f"{kind.value}.{name}" for name in self._keys(kind))

    def _keys(self, kind: Kind) -> Iterator[str]:
        if kind is Kind.ATTRIBUTE:
            yield from (one.name for one in self.schema.attributes)
        elif kind is Kind.DATASET:
            yield from self.schema.datasets
        else:
            for key in self.known.keys.get(kind, ()):
                quote = '"' if "`" in key else "`"
                yield key if _PLAIN_KEY.fullmatch(key) else f"{quote}{key}{quote}"

    def operators(self, of: Field | None) -> Sequence[str]:
        if of is None:
            return ("MATCH",)
        return _NUMBER_OPERATORS if self.schema.type_of(of) is Type.NUMBER else _TEXT_OPERATORS

    def values(self, of: Field | None) -> Iterator[str]:
        if of is None or self.schema.type_of(of) is Type.NUMBER:
            return
        usual = self.schema.attribute_names[of.key].values if of.kind is Kind.ATTRIBUTE else ()
        quote = '"' if self.typed.startswith('"') else "'"
        for value in (*usual, *self.known.values.get(str(of), ())):
            yield quote + value.replace(quote, quote * 2) + quote


def _offered(tokens: Sequence[Token], wanted: Collection[str], offer: _Offer) -> Iterator[str]:
    if "FIELD" in wanted:
        yield from offer.fields()
        yield from (("NOT", "(") if "NOT" in wanted else ())
        return
    written = next((token for token in reversed(tokens) if token.type == "FIELD"), None)
    try:
        of = _field(written, offer)
    except FilterRefused:
        return
    if "OPERATOR" in wanted:
        yield from offer.operators(of)
        return
    if "STRING" in wanted:
        yield from offer.values(of)
    if "NULL" in wanted:
        yield from ("NULL", "NOT NULL") if "NOT" in wanted else ("NULL",)
        return
    yield from (word for terminal, word in _WORDS.items() if terminal in wanted)


def _field(written: Token | None, offer: _Offer) -> Field | None:
    """None for the text of things. Raises FilterRefused."""
    if written is None or (written == TEXT and offer.schema.text):
        return None
    return Resolver(offer.schema, str(written)).field(str(written), 0, offer.purpose)
