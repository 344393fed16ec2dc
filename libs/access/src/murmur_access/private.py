"""Files that only their owner may read: made so from the first byte, and refused when they are not."""

import os
import secrets
from pathlib import Path

from murmur_access.errors import TooOpen

_OTHERS = 0o077


def make_private(folder: Path) -> None:
    """The folder exists afterwards and only its owner may enter it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def write_private(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Readers see the old or the new file, never a part; nobody else sees either, unless `mode` says so."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_private(path: Path) -> str:
    """The secret in it, without the newline at its end. Raises OSError, TooOpen."""
    mode = path.stat().st_mode & 0o777
    if mode & _OTHERS:
        raise TooOpen(path, mode)
    return path.read_text().rstrip("\n")
