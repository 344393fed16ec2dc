"""Ends a flock in order: those who work first, then what they left behind, then the front door, the broker last.

The supervisor does this on SIGTERM; `down` does it itself where no supervisor is left.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from murmur_runtime import living
from murmur_runtime.errors import StillAlive
from murmur_runtime.home import Home
from murmur_runtime.ports import describe
from murmur_runtime.processes import ProcessSpec, Role
from murmur_runtime.progress import Emit, ProcessChanged, Step, ignore

_LEFT_BEHIND_SECONDS = 10.0
_KILLED_SECONDS = 5.0
_LOOK = 0.05


@dataclass(frozen=True)
class Stopped:
    """What ended, by name; `swept` are model servers, training children and whatever else carried the tag."""

    names: tuple[str, ...]
    swept: int
    killed: tuple[str, ...]
    """Those that had to be killed because they did not end in time."""


async def stop_flock(home: Home, specs: Iterable[ProcessSpec], *, emit: Emit = ignore) -> Stopped:
    """Returns when no process with the tag of this flock lives, save the caller. Raises StillAlive."""
    by_role: dict[Role, list[ProcessSpec]] = {role: [] for role in Role}
    for spec in specs:
        by_role[spec.role].append(spec)
    names: list[str] = []
    killed: list[str] = []

    async def stop(members: list[ProcessSpec]) -> None:
        found = [(spec, living.find(home, spec.name)) for spec in members]
        outcomes = await asyncio.gather(
            *(_end_one(spec, process, emit) for spec, process in found if process is not None)
        )
        names.extend(name for name, _ in outcomes)
        killed.extend(name for name, forced in outcomes if forced)

    async def sweep(kept: frozenset[int]) -> int:
        left = [process for process in living.tagged(home) if process.pid not in kept]
        if left:
            emit(Step(f"Ending {len(left)} model servers and other processes that services started"))
            forced = await _end(left, _LEFT_BEHIND_SECONDS)
            killed.extend(describe(process) for process in forced)
        return len(left)

    await stop(by_role[Role.SERVICE])
    infrastructure = {
        process.pid
        for spec in (*by_role[Role.PROXY], *by_role[Role.BROKER])
        if (process := living.find(home, spec.name)) is not None
    }
    swept = await sweep(frozenset(infrastructure))
    await stop(by_role[Role.PROXY])
    await stop(by_role[Role.BROKER])
    swept += await sweep(frozenset())
    return Stopped(tuple(names), swept, tuple(killed))


async def _end_one(spec: ProcessSpec, process: psutil.Process, emit: Emit) -> tuple[str, bool]:
    emit(ProcessChanged(spec.name, "stopping"))
    began = asyncio.get_running_loop().time()
    forced = await _end([process], spec.stop_seconds)
    took = asyncio.get_running_loop().time() - began
    emit(ProcessChanged(spec.name, "stopped", detail="had to be killed" if forced else "", seconds=took))
    return spec.name, bool(forced)


async def _end(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """SIGTERM, then SIGKILL for those that are late: they are returned. Raises StillAlive."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    late = await _wait(processes, seconds)
    for process in late:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    survivors = await _wait(late, _KILLED_SECONDS)
    if survivors:
        raise StillAlive([describe(process) for process in survivors])
    return late


async def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still live after so many seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    left = [process for process in processes if living.alive(process)]
    while left and loop.time() < deadline:
        await asyncio.sleep(_LOOK)
        left = [process for process in left if living.alive(process)]
    return left
