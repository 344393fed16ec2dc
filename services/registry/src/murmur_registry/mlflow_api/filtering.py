"""MLflow's filters and orders over models and versions: comparisons joined by AND.

One adapter of the port that `searching.py` asks for; the platform's own grammar is another.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from murmur_registry.domain.refusals import Invalid

Value = str | int
Row = Mapping[str, Value]
"""The attributes of one thing; its tags stand under `tags.<key>`."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'[^']*'|"[^"]*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>!=|<=|>=|=|<|>|\(|\)|,)
        |(?P<word>\w+(?:\.(?:`[^`]*`|"[^"]*"|[\w.\-/]+))?|`[^`]*`))""",
    re.VERBOSE,
)
_COMPARATORS: Mapping[str, Callable[[Value, Value], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,  # type: ignore[operator]  # both of one type, see _comparison
    "<=": lambda left, right: left <= right,  # type: ignore[operator]
    ">": lambda left, right: left > right,  # type: ignore[operator]
    ">=": lambda left, right: left >= right,  # type: ignore[operator]
    "LIKE": lambda left, right: _like(str(right), 0).fullmatch(str(left)) is not None,
    "ILIKE": lambda left, right: _like(str(right), re.IGNORECASE).fullmatch(str(left)) is not None,
}
_OF_TEXTS = ("=", "!=", "LIKE", "ILIKE")
_OF_NUMBERS = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Searched:
    """What can be searched and ordered by. lists: the attributes that IN may be said of."""

    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    lists: tuple[str, ...]
    orders: Mapping[str, str]
    ties: tuple[tuple[str, bool], ...]
    """What breaks ties, each with whether it descends."""


@dataclass(frozen=True)
class Comparison:
    field: str
    comparator: str
    value: Value | tuple[str, ...]

    def holds(self, row: Row) -> bool:
        """What a thing does not have is neither equal nor unequal to anything."""
        found = row.get(self.field)
        if found is None:
            return False
        if isinstance(self.value, tuple):
            return (found in self.value) is (self.comparator == "IN")
        return _COMPARATORS[self.comparator](found, self.value)


def parse_filter(text: str, searched: Searched) -> tuple[Comparison, ...]:
    """Raises Invalid."""
    tokens = _tokens(text)
    found: list[Comparison] = []
    while tokens:
        found.append(_comparison(tokens, searched))
        if tokens:
            kind, word = tokens.pop(0)
            if kind != "word" or word.upper() != "AND" or not tokens:
                raise Invalid(f"Invalid clause(s) in filter string: {word!r}. Comparisons are joined by AND.")
    return tuple(found)


def parse_order(clauses: Sequence[str], searched: Searched) -> list[tuple[str, bool]]:
    """Each field with whether it descends, ties included. Raises Invalid."""
    order: list[tuple[str, bool]] = []
    for clause in clauses:
        words = clause.replace("`", "").split()
        if not 1 <= len(words) <= 2:
            raise Invalid(f"Invalid order_by clause '{clause}'. Could not be parsed.")
        direction = words[1].lower() if len(words) == 2 else "asc"
        if direction not in ("asc", "desc"):
            raise Invalid(f"Invalid ordering key in order_by clause '{clause}'.")
        name = re.sub(r"^attributes?\.", "", words[0])
        if name not in searched.orders:
            raise Invalid(f"Invalid order by key '{name}' specified. Valid keys are {sorted(searched.orders)}")
        if any(field == searched.orders[name] for field, _ in order):
            raise Invalid(f"`order_by` contains duplicate fields: {list(clauses)}")
        order.append((searched.orders[name], direction == "desc"))
    return order + [tie for tie in searched.ties if all(tie[0] != field for field, _ in order)]


def sorted_rows(rows: Sequence[tuple[Row, object]], order: Sequence[tuple[str, bool]]) -> list[tuple[Row, object]]:
    """Sorted by the last field first: each sort keeps the order of those before it."""
    result = list(rows)
    for field, descending in reversed(order):
        result.sort(key=lambda pair: pair[0][field], reverse=descending)  # used at once
    return result


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    place = 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise Invalid(
                f"Invalid filter {text!r}: {text[place : place + 20]!r} at character {place + 1} is not known."
            )
        tokens.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return tokens


def _comparison(tokens: list[tuple[str, str]], searched: Searched) -> Comparison:
    parts = len(tokens)
    if parts < 3:
        raise Invalid(f"Invalid comparison clause. Expected 3 tokens found {parts}")
    field = _field(tokens.pop(0)[1], searched)
    comparator = tokens.pop(0)[1].upper()
    if comparator == "NOT" and tokens and tokens[0][1].upper() == "IN":
        comparator = f"NOT {tokens.pop(0)[1].upper()}"
    if comparator in ("IN", "NOT IN"):
        if field not in searched.lists:
            raise Invalid(
                f"Only {list(searched.lists)} attributes support comparison with a list of quoted string values."
            )
        return Comparison(field, comparator, _list(tokens))
    allowed = _OF_NUMBERS if field in searched.numbers else _OF_TEXTS
    if comparator not in allowed:
        raise Invalid(f"Invalid comparator '{comparator}' not one of {set(allowed)}")
    return Comparison(field, comparator, _value(tokens.pop(0), field, searched))


def _field(word: str, searched: Searched) -> str:
    entity, dot, key = word.partition(".")
    if not dot:
        entity, key = "attribute", word
    key = key.strip("`\"'")
    if entity in ("tag", "tags"):
        return f"tags.{key}"
    if entity not in ("attribute", "attributes"):
        raise Invalid(f"Invalid entity type '{entity}'. Valid entity types are ('attribute', 'tag', 'tags')")
    if key not in (*searched.texts, *searched.numbers):
        valid = sorted((*searched.texts, *searched.numbers))
        raise Invalid(f"Invalid attribute key '{key}' specified. Valid keys are {valid}")
    return key


def _value(token: tuple[str, str], field: str, searched: Searched) -> Value:
    kind, text = token
    if field in searched.numbers:
        bare = text.strip("'\"")
        if not re.fullmatch(r"-?\d+", bare):
            raise Invalid(f"Invalid value for numeric attribute '{field}': {bare!r}")
        return int(bare)
    if kind == "text":
        return text[1:-1]
    if kind == "word":
        raise Invalid(
            f"Parameter value is either not quoted or unidentified quote types used for string value {text}. Use either"
            f" single or double quotes."
        )
    of = "tag (e.g. 'my-value')" if field.startswith("tags.") else "attributes"
    raise Invalid(f"Expected a quoted string value for {of}. Got value {text}")


def _list(tokens: list[tuple[str, str]]) -> tuple[str, ...]:
    if not tokens or tokens.pop(0)[1] != "(":
        raise Invalid("While parsing a list in the query, expected a list in parentheses, but got ill-formed list.")
    found: list[str] = []
    while tokens:
        kind, text = tokens.pop(0)
        if kind != "text":
            raise Invalid(
                "While parsing a list in the query, expected a non-empty list of string values, but got"
                f" {'empty' if text == ')' else 'ill-formed'} list"
            )
        found.append(text[1:-1])
        closing = tokens.pop(0)[1] if tokens else ""
        if closing == ")":
            return tuple(found)
        if closing != ",":
            break
    raise Invalid(
        "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list."
    )


def _like(pattern: str, flags: int) -> re.Pattern[str]:
    escaped = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.compile(escaped, flags | re.DOTALL)
