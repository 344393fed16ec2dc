"""When a server that was started answers, when it is calm, and how it ends."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

import psutil

from tracked.wire import Address, Connection

WITHIN = 300.0
_CALM = 15.0
"""Seconds in which no process was started and hardly any processor used."""


def until_ready(
    uri: str, process: subprocess.Popen[bytes] | None, log: Path | None = None, *, within: float = WITHIN
) -> None:
    """Raises RuntimeError."""
    address, deadline, last = Address.of(uri), time.monotonic() + within, ""
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        try:
            with Connection(address, quick=True) as connection:
                connection.ask(address.request("GET", "/health"))
                return
        except (OSError, RuntimeError) as error:
            last = str(error)
        time.sleep(0.3)
    told = log.read_text()[-2000:] if log else ""
    raise RuntimeError(f"{uri} does not answer GET /health as MLflow does within {within:g} s: {last} {told}")


def until_calm(process: psutil.Process) -> None:
    """It starts its job runner's processes for a minute after its first answer: they must not count against it."""
    deadline, calm_since = time.monotonic() + WITHIN, time.monotonic()
    before = _spent(process)
    while time.monotonic() < deadline and time.monotonic() - calm_since < _CALM:
        time.sleep(1)
        now = _spent(process)
        if now[0] != before[0] or now[1] - before[1] > 0.1:
            calm_since = time.monotonic()
        before = now


def _spent(process: psutil.Process) -> tuple[int, float]:
    """Processes, and the processor time of all of them."""
    times = []
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times.append(sum(one.cpu_times()[:2]))
    return len(times), sum(times)


def end(started: subprocess.Popen[bytes]) -> None:
    """With all that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (*psutil.Process(started.pid).children(recursive=True), psutil.Process(started.pid)):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
    started.wait()
