"""Brings a flock back from a backup: all of it or nothing, and what was there before is set aside, not thrown away."""

import asyncio
import shutil
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from murmur_runtime import flock
from murmur_runtime.backup.manifest import Manifest, read_manifest
from murmur_runtime.errors import RestoreFailed
from murmur_runtime.home import Home
from murmur_runtime.locks import exclusive
from murmur_runtime.processes import Members
from murmur_runtime.progress import Emit, Step, ignore
from murmur_runtime.settings import FlockSettings


@dataclass(frozen=True)
class Restored:
    """set_aside: where the former state lies, None when there was none; raised: the flock was up and is up again."""

    manifest: Manifest
    set_aside: Path | None
    raised: bool


async def restore(
    settings: FlockSettings, source: Path, *, members: Members | None = None, emit: Emit = ignore
) -> Restored:
    """Checks every file of the backup before it changes anything; ends a running flock and raises it again.

    The files lie beside the home before the flock is ended, so that a full disk costs it nothing; where they cannot
    take the home's place, the former state is back in it, and a flock that was up is raised again.

    Raises BackupUnusable, RestoreFailed, and what `flock.down` and `flock.up` raise.
    """
    emit(Step("Checking every file of the backup"))
    manifest = await asyncio.to_thread(read_manifest, source)
    home = Home(settings.home)
    async with flock.turn(home, emit):
        emit(Step("Copying the files beside what is there"))
        fresh = await _filled(home, source, manifest)
        try:
            with exclusive(Home(fresh).command_lock):  # the turn is the home's: it must be ours in the new one too
                was_up = flock.status(settings) is not None
                await flock.down_in_turn(settings, emit=emit)
                emit(Step("Putting the files in place"))
                try:
                    set_aside = _exchange(home, source, fresh)
                except RestoreFailed as error:
                    if was_up and error.lies is None:
                        await flock.up_in_turn(settings, members=members, emit=emit)
                    raise
                if was_up:
                    await flock.up_in_turn(settings, members=members, emit=emit)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return Restored(manifest, set_aside, raised=was_up)


async def _filled(home: Home, source: Path, manifest: Manifest) -> Path:
    """A folder beside the home with the files of the backup, filled in a thread that ends when this is cancelled."""
    root = home.root.resolve()
    fresh = root.with_name(f".{root.name}.{uuid.uuid4().hex[:8]}.restoring")
    cancelled = threading.Event()

    def fill() -> None:
        try:
            for file in manifest.files:
                if cancelled.is_set():
                    raise RestoreFailed(source, root, "it was interrupted")
                target = fresh / file.path
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.copy2(source / file.path, target, follow_symlinks=False)
        except BaseException:  # interrupted too: half a copy is of use to nobody
            shutil.rmtree(fresh, ignore_errors=True)
            raise

    try:
        await asyncio.to_thread(fill)
    except OSError as error:
        raise RestoreFailed(source, root, str(error)) from error
    except asyncio.CancelledError:
        cancelled.set()
        raise
    return fresh


def _exchange(home: Home, source: Path, fresh: Path) -> Path | None:
    """By renaming; what was there goes back where that fails. Returns where it lies, None where there was nothing."""
    root = home.root.resolve()
    empty = all(path.is_dir() or path.name == home.command_lock.name for path in root.rglob("*"))
    aside = root.with_name(f"{root.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    try:
        root.rename(aside)
    except OSError as error:
        raise RestoreFailed(source, root, str(error)) from error
    try:
        fresh.rename(root)
    except OSError as error:
        try:
            aside.rename(root)
        except OSError:
            raise RestoreFailed(source, root, str(error), lies=aside) from error
        raise RestoreFailed(source, root, str(error)) from error
    if empty:
        shutil.rmtree(aside, ignore_errors=True)
    return None if empty else aside
