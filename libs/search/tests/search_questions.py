"""Random searches, as trees and as the texts that people would write for them."""

import random

from search_history import NUMBERS, WORDS

_PATTERNS = (
    "%",
    "a%",
    "%A%",
    "_",
    "%_y",
    "gamma",
    "GRÖSSE",
    "ä%",
    "Ä%",
    "%\n%",
    "[%",
    "%*?",
    "",
    "x_y",
    "%e_k",
    "end",
    "_nd",
)


def _quoted(rng: random.Random, text: str) -> str:
    quote = rng.choice("'\"")
    return quote + text.replace(quote, quote * 2) + quote


def _number(rng: random.Random) -> str:
    value = rng.choice([value for value in NUMBERS if value == value])
    return repr(value) if abs(value) < 1e308 else rng.choice(("1e400", "-1e400"))


_TEXTS = (
    "params.p",
    "param.`q`",
    'tags."t"',
    "tag.u",
    "tags.mlflow.parentRunId",
    "run_name",
    "attributes.user_id",
    "status",
)
_MORE_TEXTS = ("dataset.name", "datasets.digest", "dataset.context", "attr.artifact_uri")
_METRICS = ("metrics.m", "metric.n", "metrics.`a b.c`", "metrics.none")
_TIMES = ("start_time", "attributes.end_time", "Created")


def condition(rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.08:
        words = rng.choice(("alpha", "GAMMA", "grosse", "learn*", "note apfel*", "apfel", "nowhere", "gam* alpha"))
        return f"text MATCH {_quoted(rng, words)}"
    if roll < 0.45:
        field = rng.choice((*_METRICS, *_METRICS, *_TIMES))
        value = (lambda: str(rng.randrange(8))) if field in _TIMES else (lambda: _number(rng))
        if rng.random() < 0.2:
            values = ", ".join(value() for _ in range(rng.randrange(1, 4)))
            return f"{field} {rng.choice(('IN', 'NOT IN', 'not in'))} ({values})"
        if rng.random() < 0.2:
            return f"{field} {rng.choice(('IS NULL', 'IS NOT NULL', 'is not null'))}"
        return f"{field} {rng.choice(('=', '!=', '<', '<=', '>', '>='))} {value()}"
    field = rng.choice((*_TEXTS, *_TEXTS, *_MORE_TEXTS))
    values = (*WORDS, "RUNNING", "FINISHED", "ann", "iris", "d1", "train", "x")
    roll = rng.random()
    if roll < 0.2:
        listed = ", ".join(_quoted(rng, rng.choice(values)) for _ in range(rng.randrange(1, 5)))
        return f"{field} {rng.choice(('IN', 'NOT IN'))} ({listed})"
    if roll < 0.35:
        return f"{field} {rng.choice(('IS NULL', 'IS NOT NULL'))}"
    if roll < 0.6:
        pattern = rng.choice((*_PATTERNS, "F%", "%i%", "B_b"))
        return f"{field} {rng.choice(('LIKE', 'ILIKE', 'NOT LIKE', 'NOT ILIKE'))} {_quoted(rng, pattern)}"
    return f"{field} {rng.choice(('=', '!='))} {_quoted(rng, rng.choice(values))}"


def question(rng: random.Random, depth: int = 3) -> str:
    roll = rng.random()
    if depth == 0 or roll < 0.35:
        return condition(rng)
    if roll < 0.5:
        return f"NOT {rng.choice(('({})', '({})', '{}'))}".format(question(rng, depth - 1)).replace(
            "NOT NOT", "NOT not"
        )
    word = rng.choice((" AND ", " and ", " OR "))
    return word.join(f"({question(rng, depth - 1)})" for _ in range(rng.randrange(2, 4)))


_ORDERS = (*_METRICS, *_TIMES[:2], "params.p", "tags.t", "run_name", "status", "user_id", "run_id", "artifact_uri")


def order(rng: random.Random) -> list[str]:
    fields = rng.sample(_ORDERS, rng.choice((0, 1, 1, 1, 2, 3)))
    return [f"{field}{rng.choice(('', ' ASC', ' DESC', ' desc'))}" for field in fields]
