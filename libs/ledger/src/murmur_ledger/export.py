"""Copies a ledger, or a part of it, so that it can be verified elsewhere with nothing but itself."""

import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from murmur_ledger.checkpoints import Checkpoint, parsed
from murmur_ledger.contents import Event
from murmur_ledger.errors import BadCheckpoint, NotALedger
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.how_to import HOW_TO
from murmur_ledger.part import Part
from murmur_ledger.reader import Entry, LedgerReader

_TARS: dict[str, Literal["w", "w:gz"]] = {".tar": "w", ".tgz": "w:gz", ".gz": "w:gz"}


@dataclass(frozen=True)
class Exported:
    """entries: whole ones; left_out: those of which only the hashes went along, so that the chain holds."""

    first: int
    last: int
    entries: int
    left_out: int
    checkpoints: int


def export(
    source: Path, target: Path, *, first: int | None = None, last: int | None = None, correlation: str | None = None
) -> Exported:
    """Into a folder, or a file that ends in .tar, .tar.gz or .tgz. Raises NotALedger, FileExistsError, ValueError.

    A part (first..last, or one correlation id) goes on, without contents, to the next signed checkpoint, which vouches
    for it. `part.json` states the hashes at its edges. Until it is whole, nothing is at `target`.
    """
    if target.exists():
        raise FileExistsError(f"{str(target)!r} exists: an export goes into a new folder or file")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as partial:
        inside = Path(partial) / "ledger"
        inside.mkdir()
        exported = _export(source, inside, first, last, correlation)
        whole = inside
        if target.suffix in _TARS:
            whole = Path(partial) / target.name
            with tarfile.open(whole, _TARS[target.suffix]) as tar:
                tar.add(inside, arcname="ledger")
        whole.rename(target)
    return exported


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The folder of a ledger, wherever it is: itself, or the inside of a tar file. Raises NotALedger."""
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(path) as tar:
                tar.extractall(folder, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise NotALedger(path, f"it is neither a folder nor a tar file: {error}") from None
        inside = Path(folder) / "ledger"
        yield inside if inside.is_dir() else Path(folder)


def _export(source: Path, target: Path, first: int | None, last: int | None, correlation: str | None) -> Exported:
    ledger, copy = LedgerFolder(source), LedgerFolder(target)
    genesis = ledger.genesis()
    checkpoints = _readable(ledger)
    partial = any(limit is not None for limit in (first, last, correlation))
    begin, end, wanted = _extent(source, checkpoints, first, last, correlation)
    shutil.copyfile(ledger.manifest, copy.manifest)
    if ledger.public_key.exists():
        shutil.copyfile(ledger.public_key, copy.public_key)
    whole = left_out = 0
    previous, head = genesis, genesis
    with copy.segment(begin).open("wb") as file:
        for entry in LedgerReader(source).entries(begin, end):
            frame = entry.frame if wanted(entry) else entry.frame.without_content()
            whole, left_out = whole + (not frame.stub), left_out + frame.stub
            previous = frame.previous if frame.position == begin else previous
            head = frame.hash
            file.write(frame.packed())
    kept = [one for one in checkpoints if begin <= one.position <= end]
    copy.checkpoints.write_text("".join(one.line() + "\n" for one in kept))
    copy.path.joinpath("README.md").write_text(HOW_TO)
    if partial:
        part = Part(first=begin, last=end, previous=previous.hex(), head=head.hex(), correlation=correlation or "")
        copy.part.write_text(part.text())
    return Exported(begin, end, whole, left_out, len(kept))


def _extent(
    source: Path, checkpoints: list[Checkpoint], first: int | None, last: int | None, correlation: str | None
) -> tuple[int, int, Callable[[Entry], bool]]:
    """From where to where, and which entries go along whole."""
    inside = [
        entry.position
        for entry in LedgerReader(source).entries(first or 1, last)
        if correlation is None or is_of(entry, correlation)
    ]
    if not inside:
        what = f"of correlation {correlation!r}" if correlation is not None else "there"
        raise ValueError(f"no entry {what} between {first or 1} and {last or 'the end'}")
    low, high = inside[0], inside[-1]
    if first is None and last is None and correlation is None:
        return low, high, lambda entry: True
    end = min((one.position for one in checkpoints if one.position >= high), default=high)
    if correlation is None:
        return low, end, lambda entry: entry.position <= high
    chosen = frozenset(inside)
    return low, end, lambda entry: entry.position in chosen


def is_of(entry: Entry, correlation: str) -> bool:
    """Whether it is an event whose correlation id begins so."""
    content = entry.content
    return isinstance(content, Event) and content.record.header("ce_correlationid").startswith(correlation)


def _readable(ledger: LedgerFolder) -> list[Checkpoint]:
    """An export is made of damaged ledgers too: what is unreadable here, verification of the source tells."""
    if not ledger.manifest.exists():
        raise NotALedger(ledger.path, "it has no ledger.json")
    found = []
    for line in ledger.checkpoints.read_text(errors="replace").splitlines() if ledger.checkpoints.exists() else ():
        try:
            found.append(parsed(line))
        except BadCheckpoint:
            continue
    return found
