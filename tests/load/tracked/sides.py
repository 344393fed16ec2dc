"""The two sides: servers that are given by their URI, or that are started here and ended with the benchmark."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from murmur_runtime.home import Home
from murmur_runtime.living import find
from murmur_runtime.ports import free_front_door
from tracked.wire import Address, Connection

COMPARE = "/tracking/v1/compare"
_WITHIN = 300.0
_CALM = 15.0
"""Seconds in which no process was started and hardly any processor used."""


@dataclass
class Side:
    """database: of a stock server, which is filled and analysed there. home: of a flock.

    Of a server that somebody else has started no process is known: its memory and disk are not measured.
    """

    name: str
    uri: str
    process: psutil.Process | None = None
    database: Path | None = None
    home: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def compare(self) -> str | None:
        """The path that compares many runs in one call, where there is one."""
        return COMPARE if self.home else None

    def memory(self) -> dict[str, float]:
        """MiB of the server and its children: resident, and with shared pages shared out. Empty where not known."""
        if self.process is None:
            return {}
        whole = {"rss": 0.0, "pss": 0.0}
        for one in (self.process, *self.process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                used = one.memory_full_info()
                whole = {"rss": whole["rss"] + used.rss / 2**20, "pss": whole["pss"] + used.pss / 2**20}
        return whole

    def on_disk(self) -> float | None:
        """MiB of the store, with what stands beside the file."""
        file = self.database or (Home(self.home).store("tracking") if self.home else None)
        return None if file is None else sum(one.stat().st_size for one in file.parent.glob(f"{file.name}*")) / 2**20


@contextmanager
def side(given: str, name: str, folder: Path, python: Path) -> Iterator[Side]:
    """given: "stock" (an mlflow server of its own), "flock" (of ours), or http://host:port. python: of the peer."""
    if given == "stock":
        with _stock(name, folder, python) as one:
            yield one
    elif given == "flock":
        with _flock(name, folder) as one:
            yield one
    else:
        until_ready(given, None)
        yield Side(name, given, settings={"uri": given, "started by": "somebody else"})


@contextmanager
def _stock(name: str, folder: Path, python: Path) -> Iterator[Side]:
    """As shipped: no option but the port. Its folder is its own, where it keeps mlflow.db."""
    folder.mkdir()
    port, log = free_front_door(span=1), folder / "server.log"
    uri = f"http://127.0.0.1:{port}"
    kept = without_ours()
    command = [str(python.parent / "mlflow"), "server", "--port", str(port)]
    with log.open("wb") as output:
        started = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**kept, "DO_NOT_TRACK": "true", "PATH": f"{python.parent}:{kept['PATH']}"},
            start_new_session=True,
        )
    try:
        until_ready(uri, started, log)
        process = psutil.Process(started.pid)
        _until_calm(process)
        commands = [" ".join(one.cmdline()) for one in process.children(recursive=True)]
        settings = {
            "command": "mlflow server --port <port>, in an empty folder; DO_NOT_TRACK=true",
            "environment": {name: value for name, value in kept.items() if name.startswith("MLFLOW_")},
            "workers": sum("spawn_main" in one for one in commands),
            "processes of its job runner": sum("huey" in one or "jobs" in one for one in commands),
            "processes": 1 + len(commands),
            **_asked(python, folder / "mlflow.db"),
        }
        yield Side(name, uri, process, database=folder / "mlflow.db", settings=settings)
    finally:
        _end(started)


_ASKING = """
import json, sys
import mlflow
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import text
store = SqlAlchemyStore("sqlite:///" + sys.argv[1], sys.argv[2])
with store.engine.connect() as connection:
    told = {name: connection.execute(text("PRAGMA " + name)).scalar() for name in ("journal_mode", "synchronous")}
print(json.dumps({"mlflow": mlflow.__version__, "sqlite": told}))
"""


def _asked(python: Path, database: Path) -> dict[str, Any]:
    """Version and durability, as MLflow's own store opens the file (synchronous 2 is FULL)."""
    command = [str(python), "-c", _ASKING, str(database), str(database.parent / "nothing")]
    told = subprocess.run(command, env=without_ours(), capture_output=True, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


def without_ours() -> dict[str, str]:
    """The environment for a peer's Python, which must find its own packages alone."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}


@contextmanager
def _flock(name: str, folder: Path) -> Iterator[Side]:
    """All of it, as `murmur up` starts it: broker, front door, eight services."""
    port = free_front_door()
    uri = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "MURMUR_HOME": str(folder), "MURMUR_PORT": str(port)}
    murmur = str(Path(sys.executable).parent / "murmur")
    try:
        subprocess.run([murmur, "up"], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=_WITHIN)
        until_ready(uri, None, within=10)
        process = find(Home(folder), "tracking")
        settings = {
            "command": "murmur up: one broker, Envoy, eight services",
            "sqlite": "one file a service, WAL, synchronous=FULL, group commit",
            "broker": "acks=all, idempotent; MURMUR_DURABILITY=process (the default)",
            "memory of": "tracking alone",
        }
        yield Side(name, uri, process, home=folder, settings=settings)
    finally:
        subprocess.run([murmur, "down"], env=environment, check=False, stdout=subprocess.DEVNULL, timeout=_WITHIN)


def until_ready(
    uri: str, process: subprocess.Popen[bytes] | None, log: Path | None = None, *, within: float = _WITHIN
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


def _until_calm(process: psutil.Process) -> None:
    """It starts its job runner's processes for a minute after its first answer: they must not count against it."""
    deadline, calm_since = time.monotonic() + _WITHIN, time.monotonic()
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


def _end(started: subprocess.Popen[bytes]) -> None:
    """With all that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (*psutil.Process(started.pid).children(recursive=True), psutil.Process(started.pid)):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
    started.wait()
