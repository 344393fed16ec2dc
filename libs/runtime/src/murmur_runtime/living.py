"""Finds the processes of a flock again, whoever started them: by pidfile, else by the tag in their environment.

A pidfile alone is not enough: a supervisor may be killed between starting a process and noting it, and a pid may be
used again by a stranger. The tag alone is not enough either: the children of a service inherit it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from murmur_runtime.home import Home, write_atomically
from murmur_runtime.ports import describe, owner_of, taken

_SAME_START_SECONDS = 1.0
"""Clocks are slewed: two readings of one process's start differ a little."""


class Identity(BaseModel):
    """A process that cannot be mistaken for a later one with the same pid."""

    model_config = ConfigDict(frozen=True)

    pid: int
    created: float


def alive(process: psutil.Process) -> bool:
    """Zombies do not live: nothing but their exit code is left."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def note(home: Home, name: str, process: psutil.Process) -> None:
    """Writes the pidfile. Raises OSError, psutil.NoSuchProcess."""
    identity = Identity(pid=process.pid, created=process.create_time())
    write_atomically(home.pidfile(name), identity.model_dump_json() + "\n")


def find(home: Home, name: str) -> psutil.Process | None:
    """The living process of that name in this flock: the one that was started, not a child of it."""
    return _noted(home.pidfile(name)) or _scanned(home, name)


def tagged(home: Home) -> list[psutil.Process]:
    """Every living process of the flock, with children and model servers, without the caller and its ancestors."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process, _ in _members(home) if process.pid not in spared]


def belongs(home: Home, process: psutil.Process) -> bool:
    return _environment(process).get("MURMUR_FLOCK") == home.tag


def taken_by_the_dying(host: str, wanted: Iterable[int]) -> bool:
    """Whether one of the ports is still held by what was killed a moment ago. The larger it was, the longer: its memory
    goes first, and whose it was is not to be told any more; its ports go last."""
    return any(taken(host, port) and (owner := owner_of(port)) is not None and _is_dying(owner) for port in wanted)


def taken_by_others(host: str, home: Home, wanted: Mapping[int, str]) -> Iterator[tuple[int, str, str]]:
    """(port, what for, owner) of the wanted ports on which a process listens that is none of this flock."""
    for port, purpose in wanted.items():
        if taken(host, port):
            owner = owner_of(port)
            if owner is None and not taken(host, port):
                continue
            if owner is None or not belongs(home, owner):
                yield port, purpose, describe(owner)


def _is_dying(process: psutil.Process) -> bool:
    try:
        return not process.environ()
    except psutil.AccessDenied:
        return False
    except psutil.Error:
        return True


def _noted(pidfile: Path) -> psutil.Process | None:
    try:
        identity = Identity.model_validate_json(pidfile.read_text())
        process = psutil.Process(identity.pid)
        same = abs(process.create_time() - identity.created) < _SAME_START_SECONDS
    except (OSError, ValidationError, psutil.Error):
        return None
    return process if same and alive(process) else None


def _scanned(home: Home, name: str) -> psutil.Process | None:
    """Processes are started as leaders of their own session, which their children are not."""
    for process, environment in _members(home):
        if environment.get("MURMUR_PROCESS") == name and _leads_session(process.pid):
            return process
    return None


def _members(home: Home) -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    for process in psutil.process_iter():
        environment = _environment(process)
        if environment.get("MURMUR_FLOCK") == home.tag and alive(process):
            yield process, environment


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}


def _leads_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False
