"""The two sides: servers that are given by their URI, or that are started here and ended with the benchmark."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from murmur_runtime.home import Home
from murmur_runtime.living import find
from murmur_runtime.ports import free_front_door
from tracked.readiness import WITHIN, end, until_calm, until_ready

COMPARE = "/tracking/v1/compare"


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
        until_calm(process)
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
        end(started)


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
        subprocess.run([murmur, "up"], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=WITHIN)
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
        subprocess.run([murmur, "down"], env=environment, check=False, stdout=subprocess.DEVNULL, timeout=WITHIN)
