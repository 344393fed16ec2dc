"""A workflow's folder as it is sent to the trainer: the definition and the files beside it, as text."""

import re
from pathlib import Path

_KEPT = (".yaml", ".yml", ".py", ".json", ".csv", ".txt", ".md", ".toml")
_LARGEST = 2**20


class FolderError(Exception):
    """A folder that cannot be applied, and why."""


def read_folder(folder: Path) -> dict[str, str]:
    """File name (relative, with /) -> text. Tests, caches and hidden files stay at home.

    Raises FolderError for a folder without workflow.yaml, and for files that are too large or no text.
    """
    if not (folder / "workflow.yaml").is_file():
        raise FolderError(f"{str(folder)!r} has no workflow.yaml: `murmur init <name>` writes a folder that has one")
    files: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or path.suffix not in _KEPT or not _belongs(name):
            continue
        if path.stat().st_size > _LARGEST:
            raise FolderError(
                f"{str(path)!r} has {path.stat().st_size:,} bytes: data.py should fetch data, not carry it"
            )
        try:
            files[name.as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise FolderError(f"{str(path)!r} is not UTF-8 text: {error}") from None
    return files


def renamed(definition: str, name: str) -> str:
    """The same definition under another workflow name."""
    return re.sub(r"(?m)^name:.*$", f"name: {name}", definition, count=1)


def name_in(definition: str) -> str | None:
    """The workflow's name as the file gives it; None where it gives none (the trainer then says what is wrong)."""
    match = re.search(r"""(?m)^name:\s*["']?([a-z0-9-]+)""", definition)
    return match[1] if match else None


def _belongs(name: Path) -> bool:
    return not any(part.startswith((".", "__")) or part == "tests" for part in name.parts[:-1]) and not (
        name.name.startswith((".", "test_", "__"))
    )
