"""Processes that replicas share: replica number n of each deployment of a group is in the group's process number n."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from murmur_deployer.domain.replicas import ProcessId, Replica
from murmur_deployer.local.processes import Processes
from murmur_deployer.turns import Turn
from murmur_serving.membership import Membership

_MODULE = ("-m", "murmur_serving.group")
_EMPTY = "group:"
_LOOK_EVERY = 0.05
_LAST_PATIENCE = 1.0


class Groups:
    """One directory and one log file a process; both outlive the deployer, as the process does."""

    def __init__(self, processes: Processes, *, groups: Path, logs: Path, turns: Callable[[str], Turn]) -> None:
        """turns: held by whoever decides whether a process begins or ends."""
        self._processes = processes
        self._groups = groups
        self._logs = logs
        self._turns = turns

    async def join(self, replica: Replica, directory: Path) -> ProcessId:
        """The process that has it, or will in a moment: a new one where there is none. Raises OSError."""
        membership = self._membership(replica)
        async with self._turn(membership):
            process = await self._running(membership)
            if process is None:
                membership.clear()  # whoever was in a process that died is brought here anew, by its own deployment
            membership.want(replica.name, directory)
            return process or self._processes.start(
                [sys.executable, *_MODULE, str(membership.directory)],
                environment={"OMP_NUM_THREADS": "1"},
                log=self.log(replica),
                nice=replica.terms.nice,
            )

    async def find(self, replica: Replica) -> ProcessId | None:
        """The living process that is to have it, and has not found that it cannot."""
        membership = self._membership(replica)
        if replica.name not in membership.wanted():
            return None
        if replica.process is not None and self._processes.alive(replica.process):
            return replica.process
        return await self._running(membership)

    async def leave(self, replica: Replica, *, patience: float) -> None:
        """It answers what it has begun, and is gone; so is a process in which nobody is left. One that does not let it
        go for `patience` seconds hangs: it is ended, with all that are in it."""
        for membership in [self._membership(replica)] if replica.terms.group else self._holding(replica.name):
            membership.unwant(replica.name)
            process = await self._running(membership)
            if process is not None and not await _has_left(membership, replica.name, patience):
                await self._processes.end(process, patience=_LAST_PATIENCE)
            async with self._turn(membership):
                process = await self._running(membership)
                if process is None or not membership.members():
                    if process is not None:
                        await self._processes.end(process, patience=patience)
                    membership.clear()

    async def names(self) -> set[str]:
        """All that are somewhere, or are to be; and a name for each process that has nobody."""
        found = set()
        for membership in self._all():
            found |= membership.members() or {f"{_EMPTY}{membership.directory.name}"}
        return found

    def log(self, replica: Replica) -> Path:
        """Of the process."""
        return self._logs / f"group.{self._membership(replica).directory.name}.log"

    def _holding(self, name: str) -> list[Membership]:
        """Where it is, whatever group that was."""
        return [each for each in self._all() if name in each.members() or name == f"{_EMPTY}{each.directory.name}"]

    def _all(self) -> list[Membership]:
        return [Membership(path) for path in self._groups.glob("*") if path.is_dir()]

    def _membership(self, replica: Replica) -> Membership:
        return Membership(self._groups / f"{replica.terms.group}-{replica.slot}")

    def _turn(self, membership: Membership) -> Turn:
        return self._turns(f"group-{membership.directory.name}")

    async def _running(self, membership: Membership) -> ProcessId | None:
        running = await asyncio.to_thread(self._processes.running, _MODULE)
        return running.get(str(membership.directory))


async def _has_left(membership: Membership, name: str, patience: float) -> bool:
    try:
        async with asyncio.timeout(patience):
            while name in membership.here():  # noqa: ASYNC110  another process wakes nobody here
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        return False
    return True
