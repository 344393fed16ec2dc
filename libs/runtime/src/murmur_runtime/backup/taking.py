"""Takes a backup of an embedded flock while it runs: one cut through all stores, with the broker's log of that moment.

Guarantee: what is restored is a state that a `kill -9` of everything at the cut could have left behind: what the flock
promises after a kill holds after a restore, nothing that was committed before the cut is lost or doubled. While the cut
is made no service commits; so the publisher's copied store knows every event of the copied log, and every event that a
copied store has committed is on the copied log or in the copied outbox.
"""

import asyncio
import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from murmur_runtime.backup.cut import all_writers_held, copy_store
from murmur_runtime.backup.growing import GrowingFolder
from murmur_runtime.backup.manifest import Manifest, write_manifest
from murmur_runtime.errors import BackupFailed
from murmur_runtime.flock import turn
from murmur_runtime.home import Home
from murmur_runtime.progress import Emit, Step, ignore
from murmur_runtime.settings import FlockSettings

_GROWING = ("ledger", "kafka/data")
"""In this order: the ledger holds nothing that the copied log does not have."""

_NAMES = "artifacts/mlflow"
"""Links that name artifacts, and come and go. They are copied before the bytes that they name, which stay."""

_WRITTEN_ONCE = ("artifacts", "secrets")


@dataclass(frozen=True)
class Taken:
    """held_seconds: for how long the services could not commit; seconds: how long all of it took."""

    folder: Path
    manifest: Manifest
    held_seconds: float
    seconds: float


async def back_up(settings: FlockSettings, to: Path, *, emit: Emit = ignore) -> Taken:
    """Writes the backup into the new folder `to`; until it is whole it has another name beside it.

    Raises BackupFailed when `to` exists, there is nothing to back up, a store stays locked or the disk refuses.
    """
    home = Home(settings.home)
    if to.exists():
        raise BackupFailed(to, "it exists already", advice="Choose a folder that is not there yet.")
    stores = sorted((home.root / "stores").glob("*.db"))
    if not stores:
        advice = "Set MURMUR_HOME to the directory of a flock, or raise one: murmur up"
        raise BackupFailed(home.root, "no flock was ever raised there", advice=advice)
    async with turn(home, emit):
        return await asyncio.to_thread(_take, home, stores, to, emit)


def _take(home: Home, stores: Sequence[Path], to: Path, emit: Emit) -> Taken:
    began = time.monotonic()
    partial = to.with_name(f".{to.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        partial.mkdir(parents=True, mode=0o700)
        held = _copy_the_cut(home, stores, partial, emit)
        _copy_names(home.root / _NAMES, partial / _NAMES, emit)
        for name in _WRITTEN_ONCE:
            if (home.root / name).is_dir():
                emit(Step(f"Copying {name}"))
                shutil.copytree(home.root / name, partial / name, ignore=_passing(home.root), dirs_exist_ok=True)
        emit(Step("Noting the digest of every file"))
        manifest = write_manifest(partial, made_at=datetime.now(UTC), home=home.root.resolve())
        _to_disk(partial)
        partial.rename(to)
    except (OSError, sqlite3.Error, shutil.Error) as error:
        raise BackupFailed(to, str(error), advice="Nothing of it was kept; the flock goes on unchanged.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Taken(to, manifest, held_seconds=held, seconds=time.monotonic() - began)


def _copy_names(source: Path, to: Path, emit: Emit) -> None:
    """What is deleted meanwhile was there at one moment of the copying, or was not: both are true."""
    if source.is_dir():
        emit(Step("Copying the names of artifacts"))
    for folder, _, files in os.walk(source):
        target = to / Path(folder).relative_to(source)
        target.mkdir(parents=True)
        for name in files:
            with suppress(FileNotFoundError):
                shutil.copy2(Path(folder, name), target / name, follow_symlinks=False)


def _passing(root: Path) -> Callable[[str, list[str]], set[str]]:
    """What is not whole yet, and what has been copied."""

    def passing(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name.endswith(".part") or Path(folder, name) == root / _NAMES}

    return passing


def _copy_the_cut(home: Home, stores: Sequence[Path], to: Path, emit: Emit) -> float:
    """Seconds for which no service could commit: only what the log has grown by is copied in that time."""
    emit(Step("Copying the broker's log while it is written to"))
    folders = [GrowingFolder(home.root / name, to / name) for name in _GROWING if (home.root / name).is_dir()]
    for folder in folders:
        folder.copy()
    emit(Step("Holding all writers for one moment"))
    began = time.monotonic()
    with all_writers_held(stores) as readers:
        for folder in folders:
            folder.copy()
    held = time.monotonic() - began
    (to / "stores").mkdir()
    for path, reader in zip(stores, readers, strict=True):
        emit(Step(f"Copying the store of {path.stem}"))
        copy_store(reader, to / "stores" / path.name)
    return held


def _to_disk(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        if path.is_symlink():
            continue  # it is in its folder, and leads to a file of its own line here
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
