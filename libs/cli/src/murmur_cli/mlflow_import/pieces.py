"""What is to be said of a run, in calls that the other side takes: so many values, so many bytes at once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from murmur_cli.mlflow_import.shapes import Json, Measure, Value, words

_MOST_POINTS = 1000
_MOST_TEXTS = 100
_MOST_BYTES = 400_000


@dataclass
class Piece:
    """The body of one call, as it fills."""

    texts: dict[str, dict[str, str]] = field(default_factory=lambda: {"parameters": {}, "tags": {}})
    lists: dict[str, list[Json]] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    points: list[tuple[int, Value]] = field(default_factory=list)
    measured: dict[Measure, list[int]] = field(default_factory=dict)
    size: int = 0

    @property
    def is_empty(self) -> bool:
        return not (any(self.texts.values()) or self.lists or self.points)

    def body(self) -> Json:
        told: Json = {name: texts for name, texts in self.texts.items() if texts}
        told.update(self.lists)
        if self.points:
            told["metrics"] = {
                "names": list(self.names),
                "name": [at for at, _ in self.points],
                "step": [step for _, (_, step, _) in self.points],
                "time": [time for _, (time, _, _) in self.points],
                "value": [words(value) for _, (_, _, value) in self.points],
            }
            told["measured"] = [{**vars(one), "places": places} for one, places in self.measured.items()]
        return told


class Pieces:
    """Collects; each method gives the pieces that are full by it."""

    def __init__(self) -> None:
        self._piece = Piece()

    def text(self, kind: str, key: str, value: str) -> Iterator[Piece]:
        yield from self._room(len(key) + len(value), full=len(self._piece.texts[kind]) >= _MOST_TEXTS)
        self._piece.texts[kind][key] = value

    def item(self, kind: str, item: Any) -> Iterator[Piece]:
        """Of a list: data sets, links to logged models."""
        yield from self._room(len(json.dumps(item)))
        self._piece.lists.setdefault(kind, []).append(item)

    def point(self, name: str, value: Value, measures: tuple[Measure, ...] = ()) -> Iterator[Piece]:
        yield from self._room(len(name) + 60, full=len(self._piece.points) >= _MOST_POINTS)
        piece = self._piece
        for one in measures:
            piece.measured.setdefault(one, []).append(len(piece.points))
        piece.points.append((piece.names.setdefault(name, len(piece.names)), value))

    def cut(self) -> Iterator[Piece]:
        """What is there so far, whether it is full or not."""
        if not self._piece.is_empty:
            yield self._piece
            self._piece = Piece()

    def last(self) -> Piece:
        return self._piece

    def _room(self, size: int, *, full: bool = False) -> Iterator[Piece]:
        if full or self._piece.size + size > _MOST_BYTES:
            yield from self.cut()
        self._piece.size += size
