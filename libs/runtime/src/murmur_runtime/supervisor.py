"""The daemon that keeps a flock alive: `python -m murmur_runtime.supervisor`, one a home, started by `murmur up`.

It holds no state that cannot be found again: killed at any moment, the next one reads the plan and adopts what lives.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys

import psutil
import structlog

from murmur_runtime import living
from murmur_runtime.home import Home, write_atomically
from murmur_runtime.keeper import Keeper, Timing
from murmur_runtime.locks import try_exclusive
from murmur_runtime.logs import bound_sizes
from murmur_runtime.processes import Plan, Role
from murmur_runtime.progress import ProcessChanged, Progress
from murmur_runtime.settings import FlockSettings
from murmur_runtime.state import FlockPhase, FlockState, Phase
from murmur_runtime.stopping import stop_flock

log = structlog.get_logger()

_LOG_LOOK_SECONDS = 20.0


class Supervisor:
    def __init__(self, plan: Plan, home: Home, *, timing: Timing | None = None) -> None:
        self._plan = plan
        self._home = home
        self._phase = FlockPhase.RUNNING
        self._keepers = [Keeper(spec, home, changed=self._publish, timing=timing) for spec in plan.processes]

    async def run(self, stop: asyncio.Event) -> None:
        """Keeps the flock until `stop`, then ends it in order."""
        self._publish()
        keeping = asyncio.create_task(self._keep())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([keeping, stopping], return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                await keeping  # it ends only by an error of ours: end visibly, the processes live on
        finally:
            for task in (keeping, stopping):
                task.cancel()
            await asyncio.wait([keeping, stopping])
        await self._stop()

    async def _keep(self) -> None:
        brokers = [keeper for keeper in self._keepers if keeper.spec.role is Role.BROKER]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._bound_logs())
            for keeper in self._keepers:
                if keeper.spec.role is not Role.SERVICE:
                    group.create_task(keeper.run())
            for broker in brokers:
                await broker.ready.wait()
            for keeper in self._keepers:
                if keeper.spec.role is Role.SERVICE:
                    group.create_task(keeper.run())

    async def _stop(self) -> None:
        log.info("flock stopping")
        self._phase = FlockPhase.STOPPING
        self._publish()
        stopped = await stop_flock(self._home, self._plan.processes, emit=self._show)
        for keeper in self._keepers:
            keeper.show(Phase.STOPPED)
            self._home.pidfile(keeper.spec.name).unlink(missing_ok=True)
        self._phase = FlockPhase.STOPPED
        self._publish()
        log.info("flock stopped", swept=stopped.swept, killed=stopped.killed)

    def _show(self, progress: Progress) -> None:
        if isinstance(progress, ProcessChanged):
            for keeper in self._keepers:
                if keeper.spec.name == progress.name:
                    keeper.show(Phase(progress.phase), progress.detail)

    async def _bound_logs(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                bound_sizes(self._home)
            await asyncio.sleep(_LOG_LOOK_SECONDS)

    def _publish(self) -> None:
        states = tuple(keeper.state for keeper in self._keepers)
        state = FlockState(phase=self._phase, supervisor=os.getpid(), processes=states)
        try:
            write_atomically(self._home.state, state.model_dump_json(indent=1) + "\n")
        except OSError as error:  # a full disk: the flock goes on, only what is told of it grows old
            log.error("state not written", reason=str(error))


async def supervise(home: Home) -> None:
    plan = Plan.model_validate_json(home.plan.read_text())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Supervisor(plan, home).run(stop)


def main() -> int:
    """Exit 3 when another supervisor holds this home."""
    _configure_logging()
    home = Home(FlockSettings().home)
    os.chdir(home.root)
    lock = try_exclusive(home.supervisor_lock)
    if lock is None:
        log.error("another supervisor holds this home", home=str(home.root))
        return 3
    with lock:
        living.note(home, "supervisor", psutil.Process())
        log.info("supervisor started", pid=os.getpid(), home=str(home.root))
        asyncio.run(supervise(home))
        home.pidfile("supervisor").unlink(missing_ok=True)
    return 0


def _configure_logging() -> None:
    """JSON lines like the services'. Through the standard library, whose handlers outlive a full disk."""
    logging.basicConfig(format="%(message)s", stream=sys.stdout, level=logging.INFO)
    logging.raiseExceptions = False
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


if __name__ == "__main__":
    sys.exit(main())
