"""What a backup consists of: every file with its size and digest, so that a damaged one is never restored."""

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from murmur_runtime.errors import BackupUnusable

FORMAT = 1
_NAME = "backup.json"


class SavedFile(BaseModel):
    """Of a link, size and digest are those of where it leads."""

    model_config = ConfigDict(frozen=True)

    path: str
    size: int
    sha256: str


class Manifest(BaseModel):
    """Written last: a folder without it is no backup."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    made_at: AwareDatetime
    home: str
    files: tuple[SavedFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def write_manifest(folder: Path, *, made_at: datetime, home: Path) -> Manifest:
    manifest = Manifest(made_at=made_at, home=str(home), files=tuple(_saved(folder)))
    (folder / _NAME).write_text(manifest.model_dump_json(indent=1) + "\n")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all there, unchanged. Raises BackupUnusable."""
    try:
        manifest = Manifest.model_validate_json((folder / _NAME).read_text())
    except (OSError, ValidationError) as error:
        raise BackupUnusable(folder, f"its {_NAME} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise BackupUnusable(folder, f"it has format {manifest.format!r}, this release reads {FORMAT}")
    for file in manifest.files:
        path = folder / file.path
        if not (path.is_file() or path.is_symlink()):
            raise BackupUnusable(folder, f"{file.path!r} is missing")
        if _digest(path) != file.sha256:
            raise BackupUnusable(folder, f"{file.path!r} has changed since it was made")
    return manifest


def _saved(folder: Path) -> Iterator[SavedFile]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() or path.is_symlink():
            name = path.relative_to(folder).as_posix()
            yield SavedFile(path=name, size=path.lstat().st_size, sha256=_digest(path))


def _digest(path: Path) -> str:
    if path.is_symlink():
        return hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
