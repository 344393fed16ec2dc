"""Brings a flock back from a backup: all of it or nothing, and what was there before is set aside, not thrown away."""

import asyncio
import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from murmur_runtime import flock
from murmur_runtime.backup.manifest import Manifest, read_manifest
from murmur_runtime.errors import RestoreFailed
from murmur_runtime.home import Home
from murmur_runtime.progress import Emit, Step, ignore
from murmur_runtime.settings import FlockSettings


@dataclass(frozen=True)
class Restored:
    """set_aside: where the former state lies, None when there was none; raised: the flock was up and is up again."""

    manifest: Manifest
    set_aside: Path | None
    raised: bool


async def restore(settings: FlockSettings, source: Path, *, emit: Emit = ignore) -> Restored:
    """Checks every file of the backup before it changes anything; ends a running flock and raises it again.

    Raises BackupUnusable, RestoreFailed, and what `flock.down` and `flock.up` raise.
    """
    emit(Step("Checking every file of the backup"))
    manifest = await asyncio.to_thread(read_manifest, source)
    home = Home(settings.home)
    was_up = flock.status(settings) is not None
    if was_up:
        await flock.down(settings, emit=emit)
    emit(Step("Putting the files in place"))
    set_aside = await asyncio.to_thread(_put_in_place, home, source, manifest)
    if was_up:
        await flock.up(settings, emit=emit)
    return Restored(manifest, set_aside, raised=was_up)


def _put_in_place(home: Home, source: Path, manifest: Manifest) -> Path | None:
    """A folder beside the home is filled and takes its place by renaming."""
    root = home.root.resolve()
    fresh = root.with_name(f".{root.name}.{uuid.uuid4().hex[:8]}.restoring")
    try:
        for file in manifest.files:
            target = fresh / file.path
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(source / file.path, target)
        return _exchange(root, fresh)
    except OSError as error:
        raise RestoreFailed(source, root, str(error)) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _exchange(root: Path, fresh: Path) -> Path | None:
    if not root.exists():
        fresh.rename(root)
        return None
    aside = root.with_name(f"{root.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    root.rename(aside)
    fresh.rename(root)
    return aside
