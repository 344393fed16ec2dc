"""`python -m murmur_serving.group <directory>`: several replicas in one process, each with its own model and doors.

They share an interpreter, its libraries and one core, and nothing else: each has ports, a log and a mark of its own, as
if it were alone. `membership` says who is to be there.
"""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import structlog
import uvloop

from murmur_serving import metrics
from murmur_serving.config import read_replica
from murmur_serving.errors import ModelRefused
from murmur_serving.logs import configure_logs
from murmur_serving.membership import Membership
from murmur_serving.plane_counts import forget_counts
from murmur_serving.process import let_threads_finish
from murmur_serving.server import replica_server

_LOOK_EVERY = 0.1

log = structlog.get_logger(__name__)


class Member:
    """One replica, from the first look at its directory until its doors are closed."""

    def __init__(self, name: str, membership: Membership) -> None:
        self._name = name
        self._membership = membership
        self._leaving = asyncio.Event()
        membership.arrive(name)
        self.task = asyncio.create_task(self._run(), name=name)

    def leave(self) -> None:
        """Answers what it has begun, ships its log, and ends."""
        self._leaving.set()

    async def _run(self) -> None:
        """Raises nothing: what is wrong with one is not the others' business."""
        structlog.contextvars.bind_contextvars(replica=self._name)
        try:
            await self._serve(self._membership.directory_of(self._name))
        except ModelRefused as error:
            log.error("model_refused", reason=str(error))
        except Exception:  # a bug, or a port that is taken: the neighbours in this process go on
            log.exception("replica_failed")
        if not self._leaving.is_set():
            self._membership.unwant(self._name)  # whoever looks for it finds it gone, and sees to that
        self._membership.leave(self._name)

    async def _serve(self, directory: Path) -> None:
        config = read_replica(directory)
        preparing = asyncio.create_task(replica_server(directory, alone=False))
        if not await self._outlasts(preparing):
            preparing.cancel()
            await asyncio.wait((preparing,))
            return
        server = preparing.result()
        serving = asyncio.create_task(server.serve())
        try:
            if not await self._outlasts(serving):
                closing = asyncio.create_task(server.close())
                await asyncio.wait((serving,))
                closing.cancel()
            await serving
            if not server.was_ready:
                log.error("replica_ended", reason="its model could not be loaded: see above")
        finally:
            metrics.forget(config.deployment, config.version)
            forget_counts(config.deployment, str(config.version))

    async def _outlasts(self, work: asyncio.Task[object]) -> bool:
        """False if the replica is to leave before `work` is done."""
        leaving = asyncio.create_task(self._leaving.wait())
        await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        return not self._leaving.is_set()


class Group:
    """Level-triggered: what the directory says is what is there, a moment later."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._members: dict[str, Member] = {}
        self._ending = asyncio.Event()

    def end(self) -> None:
        self._ending.set()

    async def run(self) -> None:
        """Returns when it was ended, and everybody has left."""
        while not self._ending.is_set():
            self._look(self._membership.wanted())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._ending.wait()
        self._look(set())
        await asyncio.gather(*(member.task for member in self._members.values()))

    def _look(self, wanted: set[str]) -> None:
        self._members = {name: member for name, member in self._members.items() if not member.task.done()}
        for name in self._members.keys() - wanted:
            self._members[name].leave()
        for name in wanted - self._members.keys():
            self._members[name] = Member(name, self._membership)


async def _serve(directory: Path) -> None:
    group, loop = Group(Membership(directory)), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, group.end)
    await group.run()


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m murmur_serving.group <directory of murmur_serving.membership.Membership>")
    directory = Path(sys.argv[1])
    configure_logs(group=directory.name)
    let_threads_finish()
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # as in __main__; a skops model gets it back
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(directory))


if __name__ == "__main__":
    main()
