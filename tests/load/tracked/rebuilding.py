"""How long `murmur rebuild tracking` takes to make its history again from the log, and whether it is the same."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from murmur_runtime.home import Home

_QUIET = 10.0
"""Seconds without growth after which the ledger is taken to hold all that was published."""


@dataclass(frozen=True)
class Rebuilding:
    """handled: records. same: nothing differs from the store that the service had; `said` counts what does."""

    seconds: float
    handled: int
    same: bool
    said: str


def rebuild(folder: Path) -> Rebuilding:
    """The flock must have just been asked its last; it is down afterwards. Raises RuntimeError."""
    home = Home(folder)
    _until_quiet(home.ledger)
    environment = {**os.environ, "MURMUR_HOME": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}
    murmur = str(Path(sys.executable).parent / "murmur")
    subprocess.run([murmur, "down"], env=environment, check=True, stdout=subprocess.DEVNULL)
    began = time.perf_counter()
    done = subprocess.run(
        [murmur, "rebuild", "tracking", "--json"], env=environment, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - began
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(f"murmur rebuild tracking ended with {done.returncode}: {done.stderr[-2000:]}") from None
    return Rebuilding(took, told["rebuilt"]["handled"], done.returncode == 0, _said(told))


def _said(told: dict[str, dict[str, list[str] | dict[str, str] | int] | None]) -> str:
    rebuilt, difference = told["rebuilt"] or {}, told["difference"] or {}
    counts = {name: len(each) for name, each in {**rebuilt, **difference}.items() if isinstance(each, list | dict)}
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _until_quiet(ledger: Path) -> None:
    size, since = -1, time.monotonic()
    while time.monotonic() - since < _QUIET:
        now = sum(one.stat().st_size for one in ledger.glob("*"))
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(0.5)
