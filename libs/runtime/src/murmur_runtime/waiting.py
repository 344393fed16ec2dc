"""Waits for what the supervisor writes into its state file, and tells what changed meanwhile."""

import asyncio
import time
from collections.abc import Collection
from datetime import datetime

import psutil

from murmur_runtime import living
from murmur_runtime.errors import KeepsFailing, NotReadyInTime, SupervisorLost
from murmur_runtime.home import Home
from murmur_runtime.logs import last_lines
from murmur_runtime.progress import Emit, ProcessChanged
from murmur_runtime.state import FlockPhase, FlockState, Phase, read_state

_LOOK = 0.1
_PATIENCE_WITH_RESTARTS = 4
"""A process that ended so often while it was waited for will not come up by waiting longer."""


async def let_go(host: str, ports: Collection[int], *, within: float = 30.0) -> None:
    """Until what was killed a moment ago holds none of the ports any more, or the time is over."""
    deadline = time.monotonic() + within
    while True:
        if not living.taken_by_the_dying(host, ports) or time.monotonic() > deadline:
            return
        await asyncio.sleep(_LOOK)


async def ready(home: Home, emit: Emit, *, within: float) -> FlockState:
    """Raises KeepsFailing, NotReadyInTime, SupervisorLost."""
    deadline = time.monotonic() + within
    told = _Teller(emit)
    restarts: dict[str, int] = {}
    while True:
        state = read_state(home)
        if state is not None:
            told.tell(state)
            if state.ready:
                return state
            for process in state.processes:
                before = restarts.setdefault(process.name, process.restarts)
                if process.restarts - before >= _PATIENCE_WITH_RESTARTS:
                    raise KeepsFailing(process.name, process.detail, last_lines(home, process.name, 6))
        if living.find(home, "supervisor") is None:
            last = last_lines(home, "supervisor", 1)
            raise SupervisorLost(last[0] if last else "it left no word", home.log("supervisor"))
        if time.monotonic() > deadline:
            raise _late(state, within)
        await asyncio.sleep(_LOOK)


async def end(home: Home, supervisor: psutil.Process, emit: Emit, *, within: float) -> bool:
    """Whether the supervisor ended in time."""
    deadline = time.monotonic() + within
    told = _Teller(emit)
    running: set[str] = set()
    while True:
        lives = living.alive(supervisor)
        if (state := read_state(home)) is not None:
            running |= {process.name for process in state.processes if process.pid}
            if state.phase is not FlockPhase.RUNNING:
                ending = tuple(process for process in state.processes if process.name in running)
                told.tell(state.model_copy(update={"processes": ending}), only=(Phase.STOPPING, Phase.STOPPED))
        if not lives or time.monotonic() > deadline:
            return not lives
        await asyncio.sleep(_LOOK)


def _late(state: FlockState | None, within: float) -> NotReadyInTime:
    late = [process for process in state.processes if process.phase is not Phase.READY] if state else []
    names = " ".join(process.name for process in late)
    detail = "; ".join(f"{process.name} is {process.phase} ({process.detail or 'no reason known'})" for process in late)
    return NotReadyInTime(
        names or "the supervisor",
        within,
        detail or "it wrote no state",
        f"See murmur logs {names or 'supervisor'}; the supervisor goes on trying, and murmur up waits for it again.",
    )


class _Teller:
    """Turns successive states into what changed between them."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._told: dict[str, tuple[Phase, datetime]] = {}

    def tell(self, state: FlockState, *, only: tuple[Phase, ...] = tuple(Phase)) -> None:
        for process in state.processes:
            phase, since = self._told.get(process.name, (None, process.since))
            if process.phase is not phase and process.phase in only:
                self._told[process.name] = (process.phase, process.since)
                seconds = (process.since - since).total_seconds()
                self._emit(ProcessChanged(process.name, process.phase, process.detail, seconds))
