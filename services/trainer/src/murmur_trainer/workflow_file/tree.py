"""A definition as plain data that still knows where each part stands in its text."""

from dataclasses import dataclass, field
from typing import TypeGuard

from murmur_trainer.workflow_file.mistakes import DEFINITION, Mistake, line_of

Path = tuple[str | int, ...]
Plain = object
"""dict, list, str, int, float, bool, date, datetime, bytes or None: what the safe loader makes of a scalar."""


@dataclass(frozen=True)
class Place:
    """A position in the text, counted from 1."""

    line: int
    column: int


@dataclass
class Tree:
    """The data, and for each path in it the place of its value and, inside mappings, of its key."""

    lines: list[str]
    data: Plain = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def mistake(self, place: Place, message: str, expected: str) -> None:
        """Note one at a place."""
        self.mistakes.append(
            Mistake(
                file=DEFINITION,
                line=place.line,
                column=place.column,
                text=line_of(self.lines, place.line),
                message=message,
                expected=expected,
            )
        )

    def get(self, *path: str | int) -> Plain:
        """The data at a path, or None where there is none."""
        found = self.data
        for part in path:
            if is_mapping(found):
                found = found.get(str(part))
            elif isinstance(found, list) and isinstance(part, int) and part < len(found):
                found = found[part]
            else:
                return None
        return found

    def text(self, *path: str | int) -> str | None:
        found = self.get(*path)
        return found if isinstance(found, str) else None

    def texts(self, *path: str | int) -> dict[Path, str]:
        """The strings of a list, by their path."""
        found = self.get(*path)
        items = found if isinstance(found, list) else []
        return {(*path, index): item for index, item in enumerate(items) if isinstance(item, str)}

    def place(self, path: Path) -> Place:
        """Of the value at `path`, or of the nearest thing around it that is there."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.values:
                return self.values[path[:length]] if length == len(path) else self.key_place(path[:length])
        return Place(1, 1)

    def has_mistake_at(self, place: Place) -> bool:
        return any((mistake.line, mistake.column) == (place.line, place.column) for mistake in self.mistakes)

    def key_place(self, path: Path) -> Place:
        """Of the key that leads to `path`."""
        return self.keys.get(path) or self.values.get(path) or Place(1, 1)


def is_mapping(value: Plain) -> TypeGuard[dict[str, Plain]]:
    """Keys of a tree's mappings are strings: others are mistakes."""
    return isinstance(value, dict)


def dotted(path: Path) -> str:
    """A path as people write it: data.features[3]."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
