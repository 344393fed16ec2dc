"""How the bytes of an artifact are shown before anybody downloads them."""

import csv
import io
import json
from enum import StrEnum
from pathlib import PurePosixPath

MOST_TEXT = 64 * 1024
MOST_IMAGE = 2 * 1024 * 1024
MOST_ROWS = 20
_MOST_COLUMNS = 30


class Preview(StrEnum):
    IMAGE = "image"
    TABLE = "table"
    JSON = "json"
    TEXT = "text"
    NONE = "none"


IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
"""Shown as images only: no script of an SVG ever runs in one."""

_SETTINGS = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".xml")
_CODE = (".py", ".sh", ".sql", ".html", ".htm", ".js", ".css", ".patch", ".diff")
_TEXTS = frozenset((".txt", ".log", ".md", ".rst", *_SETTINGS, *_CODE))
_NAMED = frozenset(("MLmodel", "Dockerfile", "Makefile", "README", "LICENSE"))


def preview_of(path: str) -> Preview:
    name = PurePosixPath(path)
    suffix = name.suffix.lower()
    if suffix in IMAGES:
        return Preview.IMAGE
    if suffix in (".csv", ".tsv"):
        return Preview.TABLE
    if suffix in (".json", ".jsonl", ".ipynb"):
        return Preview.JSON
    return Preview.TEXT if suffix in _TEXTS or name.name in _NAMED else Preview.NONE


def most_of(preview: Preview) -> int:
    """Bytes that are fetched: an image is shown whole or not at all."""
    return MOST_IMAGE if preview is Preview.IMAGE else MOST_TEXT


def head_of_table(text: str, path: str, *, whole: bool) -> list[list[str]]:
    """Its first rows; the last line is left out where it may be half of one."""
    lines = text.splitlines()
    if not whole:
        lines = lines[:-1]
    rows = csv.reader(io.StringIO("\n".join(lines)), delimiter="\t" if path.lower().endswith(".tsv") else ",")
    found: list[list[str]] = []
    for row in rows:
        found.append(row[:_MOST_COLUMNS])
        if len(found) > MOST_ROWS:
            break
    return found


def pretty_json(text: str) -> str:
    """As it is where it is only the beginning, or no JSON."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
