"""A full disk costs a supervisor its notes, never its grip on a process that it has started."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
from small_disks import small_disk

from murmur_runtime import flock, living
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members
from murmur_runtime.settings import FlockSettings
from murmur_runtime.testing import eventually


async def test_a_process_started_on_a_full_disk_is_kept_and_not_started_twice(
    tmp_path: Path, two_tiny: Callable[[FlockSettings], Members]
) -> None:
    with small_disk(tmp_path / "disk", mebibytes=2) as disk:
        settings = FlockSettings(home=disk.path / "flock", port=free_front_door())
        home = Home(settings.home)
        await flock.up(settings, members=two_tiny(settings))
        try:
            disk.fill()
            before = pids(home, "alpha")
            os.kill(before[0], signal.SIGKILL)
            await eventually(lambda: set(pids(home, "alpha")) - set(before), within=30)
            disk.make_room()
            await eventually(lambda: ready(settings), within=30)
            assert len(pids(home, "alpha")) == 1
        finally:
            await asyncio.shield(flock.down(settings))


def pids(home: Home, name: str) -> list[int]:
    return [process.pid for process in living.tagged(home) if _name_of(process) == name]


def _name_of(process: psutil.Process) -> str:
    try:
        return process.environ().get("MURMUR_PROCESS", "")
    except psutil.Error:
        return ""


def ready(settings: FlockSettings) -> bool:
    """After the state file could be written again: what it told before may be old."""
    found = flock.status(settings)
    return found is not None and found.ready and found.processes[0].restarts > 0
