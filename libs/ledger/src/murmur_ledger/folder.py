"""The files of a ledger: the only module that knows their names."""

import json
import os
import uuid
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from murmur_ledger.errors import NotALedger

FORMAT = "murmur-ledger/1"


@dataclass(frozen=True)
class LedgerFolder:
    path: Path

    @property
    def manifest(self) -> Path:
        """Names the ledger. Its SHA-256 is the previous hash of the first entry."""
        return self.path / "ledger.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints.jsonl"

    @property
    def public_key(self) -> Path:
        return self.path / "public-key.pem"

    @property
    def part(self) -> Path:
        """Present in an export only: from where to where it goes, and the hashes at its edges."""
        return self.path / "part.json"

    @property
    def lock(self) -> Path:
        return self.path / "writer.lock"

    def segment(self, first: int) -> Path:
        return self.path / f"{first:020d}.ledger"

    def segments(self) -> list[Path]:
        """In the order of their entries."""
        return sorted(self.path.glob("*.ledger"))

    def signed_lines(self) -> list[str]:
        """A checkpoint each, oldest first; one that was not written whole is none. Raises UnicodeDecodeError."""
        whole = whole_lines(self.checkpoints)
        return self.checkpoints.read_bytes()[:whole].decode().splitlines() if whole else []

    def genesis(self) -> bytes:
        """What the first entry is chained to. Raises NotALedger."""
        try:
            raw = self.manifest.read_bytes()
        except OSError as error:
            raise NotALedger(self.path, f"ledger.json cannot be read: {error.strerror}") from None
        return sha256(raw).digest()

    def create(self, now: datetime) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"created": now.isoformat(), "format": FORMAT, "id": str(uuid.uuid4())}, sort_keys=True)
        write_durably(self.manifest, (text + "\n").encode())


def write_durably(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Old or new, never a part, and on the disk when it returns."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        write_all(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    temporary.replace(path)
    sync_folder(path.parent)


def write_all(handle: int, content: bytes) -> None:
    """A write may take less than it was given: a full disk shows that way first. Raises OSError."""
    while content:
        content = content[os.write(handle, content) :]


def append_line(path: Path, line: bytes) -> None:
    """On the disk when it returns, behind a whole line. Raises OSError, and then nothing of it is there.

    Where even that cannot be had, an unfinished line is left, which whoever comes next cuts.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        before = whole_lines(path)
        os.ftruncate(handle, before)
        try:
            write_all(handle, line + b"\n")
            os.fdatasync(handle)
        except OSError:
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)


def whole_lines(path: Path) -> int:
    """Bytes of a file up to the end of its last whole line; 0 where there is no file."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            while end:
                begin = max(0, end - 4096)
                file.seek(begin)
                found = file.read(end - begin).rfind(b"\n")
                if found >= 0:
                    return begin + found + 1
                end = begin
    except FileNotFoundError:
        pass
    return 0


def sync_folder(path: Path) -> None:
    """So that files made or removed there stay so after a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
