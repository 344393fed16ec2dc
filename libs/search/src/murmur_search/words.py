"""The words of a text, found here once, so that every store finds the same things by them."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

_WORD = re.compile(r"[^\W_]+")
_LIMIT = 5_000  # distinct words of one thing: a note is no book
_LONGEST = 100

_NOTE = "mlflow.note.content"
_INTERNAL = ("mlflow.", "murmur.")


def words(text: str) -> list[str]:
    """Runs of letters and digits, in small letters, without accents; in order, with repetitions.

    >>> words("Größe_2 of Café-Runs")
    ['grosse', '2', 'of', 'cafe', 'runs']
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return [word[:_LONGEST] for word in _WORD.findall(plain)]


def text_of(name: str | None, note: str | None, tags: Mapping[str, str]) -> frozenset[str]:
    """The distinct words of a thing: of its name, its note, and keys and values of tags that people set."""
    parts: list[str] = [name or "", note or "", tags.get(_NOTE, "")]
    for key, value in tags.items():
        if not key.startswith(_INTERNAL):
            parts += (key, value)
    return _distinct(parts)


def _distinct(parts: Iterable[str]) -> frozenset[str]:
    found: dict[str, None] = {}
    for part in parts:
        for word in words(part):
            found[word] = None
            if len(found) >= _LIMIT:
                return frozenset(found)
    return frozenset(found)


def asked(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whole words and starts of words of a question: `learn* rate` asks for ("rate",) and ("learn",)."""
    whole: dict[str, None] = {}
    starts: dict[str, None] = {}
    for piece in text.split():
        found = words(piece)
        if found and piece.endswith("*"):
            starts[found.pop()] = None
        whole.update(dict.fromkeys(found))
    return tuple(whole), tuple(starts)
