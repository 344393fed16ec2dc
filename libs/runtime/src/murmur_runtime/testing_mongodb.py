"""A server that speaks MongoDB's protocol, with transactions, for tests: a true one is in no package registry.

SecantusDB is GPL-2.0: it is a process of its own, in an environment of its own, never imported and never shipped.
"""

import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from murmur_runtime.locks import exclusive
from murmur_runtime.settings import FlockSettings

VERSION = "0.7.0b3"
_LISTENING = re.compile(r"listening on (?:address )?(?:\S*?://)?([\d.]+):(\d+)")


@dataclass(frozen=True)
class RunningMongo:
    """`uri` names no database: each store takes one of its own."""

    uri: str
    process: "subprocess.Popen[bytes]"


@contextmanager
def running_mongodb(home: Path, *, within: float = 60.0, options: Sequence[str] = ()) -> Iterator[RunningMongo]:
    """Yields a server of one's own on a free port; kills it at the end. Everything it writes is under `home`.

    `secantusd-rs` on the PATH is used where it is (`cargo install secantus-mdb`: several times faster), else
    PyPI's `secantusdb`, installed once a machine beside the other downloads.
    """
    home.mkdir(parents=True, exist_ok=True)
    log = home / "mongodb.log"
    where = ["--host", "127.0.0.1", "--port", "0", "--storage-path", str(home / "data")]
    command = [*_server(), *where, "--sync-on-commit", "--enable-test-commands", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield RunningMongo(f"mongodb://{_address(process, log, within)}/?replicaSet=secantus", process)
    finally:
        process.kill()
        process.wait()


def _server() -> list[str]:
    if (fast := shutil.which("secantusd-rs")) is not None:
        return [fast]
    folder = FlockSettings().cache / f"secantusdb-{VERSION}"
    with exclusive(folder.with_suffix(".lock")):
        done = folder / "installed"
        if not done.exists():
            _install(folder)
            done.touch()
    return [str(folder / "bin" / "python"), str(folder / "bin" / "secantusd-py")]


def _install(folder: Path) -> None:
    """With uv where it is at hand, which shares its cache; with pip otherwise. About 90 MB."""
    print(f"installing the MongoDB server for tests into {folder}", file=sys.stderr, flush=True)  # noqa: T201
    uv = next((found for found in (Path(".uv/bin/uv"), shutil.which("uv")) if found and Path(found).exists()), None)
    venv.create(folder, clear=True, with_pip=uv is None)
    python = str(folder / "bin" / "python")
    pip = [str(uv), "pip", "install", "--quiet", "--python", python] if uv else [python, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, f"secantusdb=={VERSION}"], check=True)


def _address(process: "subprocess.Popen[bytes]", log: Path, within: float) -> str:
    deadline = time.monotonic() + within
    while (found := _LISTENING.search(log.read_text(errors="replace"))) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the MongoDB server did not start; its log ends with:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)
    return f"{found[1]}:{found[2]}"
