"""Where a ledger ends, found in its last file; a tail that was never appended whole is cut, anything else is damage.

A checkpoint's line without its end is such a tail too: signing returns behind the line's sync.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from murmur_ledger.checkpoints import newest, parsed
from murmur_ledger.contents import Place, Places, advanced, decoded
from murmur_ledger.errors import BadCheckpoint, BadContent, LedgerDamaged
from murmur_ledger.folder import LedgerFolder, sync_folder, whole_lines
from murmur_ledger.frames import Frame, frame_at, next_intact


@dataclass
class End:
    """The last entry, the file that holds it (0: none), how long that file is, the last offset of each partition."""

    position: int
    hash: bytes
    segment: int = 0
    size: int = 0
    places: dict[Place, int] = field(default_factory=dict)
    cut: int = 0


def find_end(folder: LedgerFolder) -> End:
    """Cuts a torn tail. Raises LedgerDamaged, and then has changed nothing; NotALedger."""
    end, begun, cut = End(0, folder.genesis()), None, 0
    for path in reversed(folder.segments()):
        found = _end_of(folder, path)
        cut += found.cut
        if found.size:
            end = found
            break
        if begun is not None:
            raise LedgerDamaged(folder.path, f"{path.name} holds nothing intact, and is not the last file")
        begun = path
    _check_not_behind(folder, end)
    if begun is not None:
        _remove(begun)
    if end.size:
        _cut(folder.segment(end.segment), end.size)
    end.cut = cut + _cut(folder.checkpoints, whole_lines(folder.checkpoints))
    return end


def _end_of(folder: LedgerFolder, path: Path) -> End:
    data = path.read_bytes()
    end = End(int(path.stem) - 1, b"", int(path.stem))
    previous: bytes | None = None
    while (frame := frame_at(data, end.size)) is not None:
        follows = frame.position == end.position + 1 and previous in (None, frame.previous)
        if not frame.intact or not follows:
            break
        _advance(folder, end, frame)
        previous = frame.hash
    rest = next_intact(data, end.size + 1) if end.size < len(data) else None
    if rest is not None:
        later = frame_at(data, rest)
        assert later is not None, "next_intact found it there"
        if later.position - later.in_batch > end.position + 1:
            raise LedgerDamaged(
                folder.path, f"entry {end.position + 1} in {path.name} at byte {end.size} is not intact"
            )
    end.cut = len(data) - end.size
    return end


def _advance(folder: LedgerFolder, end: End, frame: Frame) -> None:
    try:
        content = decoded(frame.content)
    except BadContent as error:
        raise LedgerDamaged(folder.path, f"entry {frame.position}: {error}") from None
    if end.size == 0 and not isinstance(content, Places):
        raise LedgerDamaged(folder.path, f"file {end.segment:020d}.ledger does not begin with where partitions stand")
    advanced(end.places, [content])
    end.position, end.hash, end.size = frame.position, frame.hash, end.size + frame.size


def _check_not_behind(folder: LedgerFolder, end: End) -> None:
    """A signed checkpoint is made of synced entries only: a ledger that ends before one has lost some."""
    try:
        last = newest(parsed(line) for line in folder.signed_lines())
    except (BadCheckpoint, UnicodeDecodeError) as error:
        raise LedgerDamaged(folder.path, str(error)) from None
    if last is not None and last.position > end.position:
        raise LedgerDamaged(folder.path, f"it ends at entry {end.position}, a checkpoint says {last.position}")


def _cut(path: Path, size: int) -> int:
    """How many bytes were too many."""
    too_many = path.stat().st_size - size if path.exists() else 0
    if too_many > 0:
        handle = os.open(path, os.O_WRONLY)
        try:
            os.ftruncate(handle, size)
            os.fsync(handle)
        finally:
            os.close(handle)
    return too_many


def _remove(path: Path) -> None:
    """A file that was begun, and nothing in it was appended whole."""
    path.unlink()
    sync_folder(path.parent)
