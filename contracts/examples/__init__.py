"""The golden events as code reads them: one story of the credit workflow, told in every event that the catalog has.

`full.json` carries every field of its type, `minimal.json` only those that it must; the others are links of the story.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """One golden event: where it lies, and what a broker would hand out."""

    path: str
    topic: str
    version: int
    name: str
    headers: dict[str, str]
    key: str
    value: dict[str, Any]

    @property
    def wire_headers(self) -> tuple[tuple[str, bytes], ...]:
        return tuple((name, value.encode()) for name, value in self.headers.items())

    @property
    def wire_value(self) -> bytes:
        return json.dumps(self.value).encode()


def golden(folder: Path = FOLDER) -> tuple[Example, ...]:
    """All of them, by path."""
    return tuple(_read(folder))


def _read(folder: Path) -> Iterator[Example]:
    for path in sorted(folder.glob("*/v*/*.json")):
        topic, version = path.parts[-3], path.parts[-2]
        yield Example(
            path=str(path.relative_to(folder)),
            topic=topic,
            version=int(version.removeprefix("v")),
            name=path.stem,
            **json.loads(path.read_text()),
        )
