"""Raises, looks at and ends a flock: what `murmur up`, `status` and `down` do, without a terminal."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import psutil

from murmur_runtime import envoy, kafka, living, profiles, scraping, waiting
from murmur_runtime.errors import DownloadFailed, PortTaken
from murmur_runtime.home import Home, write_atomically
from murmur_runtime.jars import fetch_jars
from murmur_runtime.living import taken_by_others
from murmur_runtime.locks import exclusive_turn
from murmur_runtime.nodes import nodes
from murmur_runtime.processes import Members, Plan, ProcessSpec, Role, all_members, brokers, proxy
from murmur_runtime.progress import Emit, Progress, Step, ignore
from murmur_runtime.settings import FlockSettings
from murmur_runtime.state import FlockPhase, FlockState, Phase, ProcessState, read_state
from murmur_runtime.stopping import Stopped, stop_flock

_STOP_SECONDS = 90.0


@dataclass(frozen=True)
class Raised:
    """changed: False when everything was already there and ready."""

    state: FlockState
    changed: bool
    seconds: float


@dataclass(frozen=True)
class Status:
    """`supervisor` is None when nobody watches the processes; their phases are then what was found alive just now."""

    supervisor: int | None
    processes: tuple[ProcessState, ...]

    @property
    def ready(self) -> bool:
        return self.supervisor is not None and all(process.phase is Phase.READY for process in self.processes)


async def up(
    settings: FlockSettings, *, members: Members | None = None, emit: Emit = ignore, within: float = 180.0
) -> Raised:
    """Returns when every process is ready; goes on from whatever is there. Downloads what is missing.

    Raises OtherProfile, PortTaken, DownloadFailed, JarCorrupt, BrokerNotFormatted before anything is started;
    KeepsFailing, NotReadyInTime, SupervisorLost after: what was started goes on, and another call waits for it again.
    """
    async with turn(Home(settings.home), emit):
        return await up_in_turn(settings, members=members, emit=emit, within=within)


async def up_in_turn(
    settings: FlockSettings, *, members: Members | None = None, emit: Emit = ignore, within: float = 180.0
) -> Raised:
    """`up` for who has the turn already."""
    began = time.monotonic()
    home = Home(settings.home)
    members = members or all_members(settings)
    home.create()
    profiles.remember(settings, home)
    await _await_stopping(home, emit)
    jars = await _jars(settings, emit) if members.broker else []
    plan = _plan(settings, home, members, jars)
    changed = True
    if living.find(home, "supervisor") is None:
        await _check_ports(settings, home, plan)
        _prepare(settings, home, members, jars, emit)
        write_atomically(home.plan, plan.model_dump_json(indent=1) + "\n")
        home.state.unlink(missing_ok=True)
        _spawn_supervisor(settings, home)
    else:
        if _read_plan(home) != plan:
            emit(Step("This flock was raised with other settings; to change them: murmur down, then murmur up"))
        state = read_state(home)
        changed = state is None or not state.ready
    state = await waiting.ready(home, emit if changed else ignore, within=within)
    return Raised(state, changed=changed, seconds=time.monotonic() - began)


async def down(settings: FlockSettings, *, emit: Emit = ignore) -> Stopped:
    """Returns when no process of the flock lives, the supervisor included. Raises StillAlive."""
    home = Home(settings.home)
    if not home.run.exists():
        return Stopped((), 0, ())
    async with turn(home, emit):
        return await down_in_turn(settings, emit=emit)


async def down_in_turn(settings: FlockSettings, *, emit: Emit = ignore) -> Stopped:
    """`down` for who has the turn already."""
    home = Home(settings.home)
    names: tuple[str, ...] = ()
    supervisor = living.find(home, "supervisor")
    if supervisor is not None:
        state = read_state(home)
        names = tuple(process.name for process in state.processes if process.pid) if state else ()
        supervisor.terminate()
        if not await waiting.end(home, supervisor, emit, within=_STOP_SECONDS):
            emit(Step("The supervisor does not end: killing it and ending its processes from here"))
            supervisor.kill()
    plan = _read_plan(home)
    rest = await stop_flock(home, plan.processes, emit=emit)
    for name in ("supervisor", *(spec.name for spec in plan.processes)):
        home.pidfile(name).unlink(missing_ok=True)
    _mark_stopped(home)
    return Stopped(tuple(dict.fromkeys((*names, *rest.names))), rest.swept, rest.killed)


def status(settings: FlockSettings) -> Status | None:
    """None where no flock was ever raised, or the last one was ended by `down`."""
    home = Home(settings.home)
    state = read_state(home)
    supervisor = living.find(home, "supervisor")
    if state is None or (supervisor is None and state.phase is FlockPhase.STOPPED):
        return None
    if supervisor is not None:
        return Status(supervisor.pid, state.processes)
    return Status(None, tuple(_unsupervised(home, process) for process in state.processes))


def _unsupervised(home: Home, process: ProcessState) -> ProcessState:
    found = living.find(home, process.name)
    if found is None:
        return process.model_copy(update={"phase": Phase.LOST, "pid": None, "detail": "ended while nobody watched"})
    update = {"phase": Phase.UNREADY, "pid": found.pid, "detail": "lives, but nobody watches it"}
    return process.model_copy(update=update)


def turn(home: Home, emit: Emit) -> AbstractAsyncContextManager[None]:
    """One command at a time that raises, ends, copies or replaces a flock: two would work against each other."""
    return exclusive_turn(
        home.command_lock, waiting=lambda: emit(Step("Waiting for another murmur command on this flock"))
    )


async def _jars(settings: FlockSettings, emit: Emit) -> list[Path]:
    """Fetched in a thread, which gives up at its next report when this task is cancelled."""
    cancelled = threading.Event()

    def report(progress: Progress) -> None:
        if cancelled.is_set():
            raise DownloadFailed("Kafka", "it was interrupted")
        emit(progress)

    try:
        return await asyncio.to_thread(fetch_jars, settings.cache, mirror=settings.maven_mirror, emit=report)
    except asyncio.CancelledError:
        cancelled.set()
        raise


def _plan(settings: FlockSettings, home: Home, members: Members, jars: Sequence[Path]) -> Plan:
    specs: list[ProcessSpec] = []
    if members.broker:
        specs += brokers(settings, home, jars)
    if members.proxy:
        specs.append(proxy(settings, home))
    return Plan(processes=(*specs, *members.services))


def _read_plan(home: Home) -> Plan:
    try:
        return Plan.model_validate_json(home.plan.read_text())
    except (OSError, ValueError):
        return Plan(processes=())  # nothing is known by name any more: the sweep by tag still finds it all


async def _check_ports(settings: FlockSettings, home: Home, plan: Plan) -> None:
    """Raises PortTaken. What was killed gets the time to be gone."""
    wanted = {spec.port: spec.name for spec in plan.processes}
    if any(spec.role is Role.BROKER for spec in plan.processes):
        wanted |= {node.controller: f"{node.name}'s controller" for node in nodes(settings, home)}
    if "envoy" in wanted.values():
        wanted[settings.ports.envoy_admin] = "envoy's admin"
    await waiting.let_go(settings.inner_host, wanted)
    for port, purpose, owner in taken_by_others(settings.inner_host, home, wanted):
        raise PortTaken(port, purpose, owner)


def _prepare(settings: FlockSettings, home: Home, members: Members, jars: Sequence[Path], emit: Emit) -> None:
    if members.broker:
        if not all(node.formatted for node in nodes(settings, home)):
            emit(Step("Formatting the broker's storage"))
        kafka.prepare(settings, home, jars)
    scraping.prepare(settings, home, members.services)
    if members.proxy:
        envoy.prepare(settings, home, _upstreams(members))


def _upstreams(members: Members) -> list[envoy.Upstream]:
    """One a service, with all its replicas."""
    ports: dict[str, list[int]] = {}
    for spec in members.services:
        ports.setdefault(spec.member, []).append(spec.port)
    return [_upstream(name, first, tuple(others)) for name, (first, *others) in ports.items()]


def _upstream(name: str, port: int, others: tuple[int, ...]) -> envoy.Upstream:
    if name == "console":
        return envoy.Upstream(name, port, "/", websockets=True, others=others)
    return envoy.Upstream(name, port, f"/{name}/", others=others)


def _spawn_supervisor(settings: FlockSettings, home: Home) -> None:
    """In a session of its own, so that it outlives this process and its terminal."""
    environment = {
        **os.environ,
        "MURMUR_HOME": str(home.root),
        **profiles.environment(settings),
        "MURMUR_FLOCK": home.tag,
        "MURMUR_PROCESS": "supervisor",
    }
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "murmur_runtime.supervisor"],
        environment,
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(home.log("supervisor")), append, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    living.note(home, "supervisor", psutil.Process(pid))


async def _await_stopping(home: Home, emit: Emit) -> None:
    state, supervisor = read_state(home), living.find(home, "supervisor")
    if supervisor is not None and state is not None and state.phase is not FlockPhase.RUNNING:
        emit(Step("Waiting for the flock to finish stopping"))
        await waiting.end(home, supervisor, emit, within=_STOP_SECONDS)


def _mark_stopped(home: Home) -> None:
    if (state := read_state(home)) is not None:
        stopped = tuple(
            process.model_copy(update={"phase": Phase.STOPPED, "pid": None, "detail": ""})
            for process in state.processes
        )
        marked = state.model_copy(update={"phase": FlockPhase.STOPPED, "processes": stopped})
        write_atomically(home.state, marked.model_dump_json(indent=1) + "\n")
