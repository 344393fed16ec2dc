"""Processes that outlive the one that started them: how they are begun, found again and ended."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from murmur_deployer.domain.replicas import ProcessId

_LOOK_EVERY = 0.05


class Processes:
    """Starts processes in sessions of their own, which no handle and no signal ties to this one."""

    def start(self, command: list[str], *, environment: Mapping[str, str], log: Path, nice: int = 0) -> ProcessId:
        """Output is appended to `log`. What is in this process's environment is inherited, the flock's tag included.

        nice: at least so low a priority, up to 19.

        Raises OSError.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        pid = os.posix_spawn(
            command[0],
            command,
            {**os.environ, **environment},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        process = psutil.Process(pid)
        if nice > process.nice():
            process.nice(nice)
        return ProcessId(pid, process.create_time())

    def memory(self, process: ProcessId) -> int:
        """Bytes that it keeps resident; 0 once it has ended."""
        try:
            found = psutil.Process(process.pid)
            return int(found.memory_info().rss) if found.create_time() == process.created else 0
        except psutil.NoSuchProcess:
            return 0

    def alive(self, process: ProcessId) -> bool:
        """False for a pid that another process has by now, and for one that has ended."""
        try:
            found = psutil.Process(process.pid)
            if found.create_time() != process.created:
                return False
            return found.status() != psutil.STATUS_ZOMBIE or not _gone(process.pid)
        except psutil.NoSuchProcess:
            return False

    def running(self, tail: Sequence[str]) -> dict[str, ProcessId]:
        """Processes whose command line is `…, *tail, <argument>`, by that last argument. Looks at every process."""
        found = {}
        for process in psutil.process_iter(["cmdline", "create_time", "status"]):
            line = process.info["cmdline"] or []
            if line[-len(tail) - 1 : -1] == list(tail) and process.info["status"] != psutil.STATUS_ZOMBIE:
                found[line[-1]] = ProcessId(process.pid, process.info["create_time"])
        return found

    async def end(self, process: ProcessId, *, patience: float) -> None:
        """SIGTERM, and after `patience` seconds SIGKILL for its whole group; returns when it is gone, or
        has not gone for 5 s more: then the kernel holds it."""
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
            if not self.alive(process):
                break
            self._signal(process.pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while self.alive(process):  # noqa: ASYNC110  a process that is not our child ends without an event
                        await asyncio.sleep(_LOOK_EVERY)

    def _signal(self, pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL and os.getpgid(pid) == pid:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)


def _gone(pid: int) -> bool:
    """Takes the exit code of an ended process that this one has started.

    False while threads of it are still ending: until then its ports are not free.
    """
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:  # somebody else's child, and theirs to take
        return True
