"""Keeps one process alive: adopts it or starts it, watches it, starts it again after a pause that grows."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil
import structlog

from murmur_runtime import living
from murmur_runtime.home import Home
from murmur_runtime.probing import why_not_ready
from murmur_runtime.processes import ProcessSpec
from murmur_runtime.state import Phase, ProcessState

log = structlog.get_logger()


@dataclass(frozen=True)
class Timing:
    """Seconds. look: between two looks at whether the process lives; stable: a run this long clears the backoff."""

    look: float = 0.1
    probe_starting: float = 0.2
    probe_ready: float = 2.0
    first_pause: float = 0.2
    longest_pause: float = 10.0
    stable: float = 30.0

    def pause(self, failures: int) -> float:
        """Before the restart that follows the n-th failure in a row (from 1)."""
        return float(min(self.first_pause * 2.0 ** (failures - 1), self.longest_pause))


@dataclass
class _Running:
    """A process that this supervisor started (and may reap) or found alive (and may not)."""

    process: psutil.Process
    child: "subprocess.Popen[bytes] | None"

    def ended(self) -> str | None:
        """None while it runs, else how it ended."""
        if self.child is not None:
            code = self.child.poll()
            if code is None:
                return None
            return f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return None if living.alive(self.process) else "ended (exit code unknown: it was adopted)"


class Keeper:
    """`state` is what it knows; `changed` is called after each change of it."""

    def __init__(
        self,
        spec: ProcessSpec,
        home: Home,
        *,
        changed: Callable[[], None],
        timing: Timing | None = None,
    ) -> None:
        self.spec = spec
        self.ready = asyncio.Event()
        self.state = ProcessState(name=spec.name, role=spec.role, port=spec.port, since=_now())
        self._home = home
        self._changed = changed
        self._timing = timing or Timing()
        self._failures = 0

    async def run(self) -> None:
        """Until cancelled; cancelling leaves the process alive."""
        loop = asyncio.get_running_loop()
        running = self._adopt()
        while True:
            began = loop.time()
            try:
                running = running or self._start()
                how = await self._watch(running)
            except (OSError, psutil.Error) as error:
                how = f"could not be started: {error}"
            running = None
            self._failures = 1 if loop.time() - began >= self._timing.stable else self._failures + 1
            pause = self._timing.pause(self._failures)
            log.warning("process ended", process=self.spec.name, how=how, failures=self._failures, pause=pause)
            self._enter(Phase.BACKING_OFF, f"{how}; next start in {pause:.1f} s", restarts=self.state.restarts + 1)
            await asyncio.sleep(pause)

    def show(self, phase: Phase, detail: str = "") -> None:
        """What the supervisor knows better while it ends the flock."""
        self._enter(phase, detail)

    def _adopt(self) -> _Running | None:
        process = living.find(self._home, self.spec.name)
        if process is None:
            return None
        log.info("process adopted", process=self.spec.name, pid=process.pid)
        return self._running(process, None)

    def _start(self) -> _Running:
        """Raises OSError, psutil.NoSuchProcess."""
        inherited = {name: value for name, value in os.environ.items() if name not in self.spec.without}
        with self._home.log(self.spec.name).open("ab") as output:
            child = subprocess.Popen(
                self.spec.command,
                env=inherited | self.spec.environment,
                cwd=self._home.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        log.info("process started", process=self.spec.name, pid=child.pid)
        return self._running(psutil.Process(child.pid), child)

    def _running(self, process: psutil.Process, child: "subprocess.Popen[bytes] | None") -> _Running:
        try:
            living.note(self._home, self.spec.name, process)
        except OSError as error:  # a full disk: it is kept all the same, and the next supervisor finds it by its tag
            log.error("pid not noted", process=self.spec.name, pid=process.pid, reason=str(error))
        started = datetime.fromtimestamp(process.create_time(), UTC)
        self._enter(Phase.STARTING, "", pid=process.pid, started_at=started)
        return _Running(process, child)

    async def _watch(self, running: _Running) -> str:
        """Probes until the process ends; returns how it ended."""
        probe = asyncio.create_task(self._probe())
        try:
            while True:
                how = running.ended()
                if how is not None:
                    return how
                await asyncio.sleep(self._timing.look)
        finally:
            probe.cancel()
            await asyncio.wait([probe])
            self.ready.clear()

    async def _probe(self) -> None:
        while True:
            try:
                reason = await why_not_ready(self.spec.probe)
            except Exception as error:  # noqa: BLE001  # a bug of a client must not end the supervision: not ready
                log.error("probe failed", process=self.spec.name, reason=repr(error))
                reason = f"asking it failed: {error!r}"
            if reason is None:
                self._enter(Phase.READY, "")
                self.ready.set()
            elif self.state.phase in (Phase.READY, Phase.UNREADY):
                self._enter(Phase.UNREADY, reason)
                self.ready.clear()
            else:
                self._enter(Phase.STARTING, reason)
            settled = self.state.phase is Phase.READY
            await asyncio.sleep(self._timing.probe_ready if settled else self._timing.probe_starting)

    def _enter(self, phase: Phase, detail: str, **facts: object) -> None:
        """Tells only what is new: the state file is not rewritten for nothing."""
        since = self.state.since if phase is self.state.phase else _now()
        pid = None if phase in (Phase.BACKING_OFF, Phase.STOPPED) else self.state.pid
        new = self.state.model_copy(update={"phase": phase, "detail": detail, "since": since, "pid": pid, **facts})
        if new != self.state:
            if phase is not self.state.phase:
                log.info("phase entered", process=self.spec.name, phase=phase, detail=detail)
            self.state = new
            self._changed()


def _now() -> datetime:
    return datetime.now(UTC)
