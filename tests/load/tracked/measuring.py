"""Two sides that are asked the same, in turn."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracked import judging
from tracked.sides import Side, without_ours
from tracked.wire import Timed

_BEGAN = time.monotonic()
_CLIENT = Path(__file__).parent / "client.py"


def say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:7.1f} s  {text}", flush=True)


@dataclass
class Pair:
    """memory: by stage, ours and the peer's. refused: how many turns the peer did not carry out, by what was asked."""

    ours: Side
    peer: Side
    memory: dict[str, tuple[dict[str, float], dict[str, float]]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.ours, self.peer

    def in_turn(self, what: str, ask: Callable[[Side], Timed], *, repeats: int = 1) -> tuple[Timed, Timed]:
        """Medians of the repeats, which alternate. Raises RuntimeError where ours refuses anything."""
        found: dict[str, list[Timed]] = {one.name: [] for one in self.sides}
        for repeat in range(repeats):
            for one in self.sides if repeat % 2 == 0 else self.sides[::-1]:
                timed = ask(one)
                found[one.name].append(timed)
                say(
                    f"{what}, {one.name}: {timed.per_second:,.1f}/s, p50 {timed.p50:,.2f} ms, p95 {timed.p95:,.2f} ms"
                    + (f", {timed.refused} REFUSED" if timed.refused else "")
                )
        ours, peer = (judging.middle(found[one.name]) for one in self.sides)
        if ours.refused:
            raise RuntimeError(f"{self.ours.uri} refused {ours.refused} of {ours.turns + ours.refused}: {what}")
        if peer.refused:
            self.refused[what] = peer.refused
        return ours, peer

    def weigh(self, stage: str) -> None:
        ours, peer = (one.memory() for one in self.sides)
        self.memory[stage] = (ours, peer)
        for one, used in zip(self.sides, (ours, peer), strict=True):
            say(
                f"memory {stage}, {one.name}: " + (", ".join(f"{k} {v:,.0f} MiB" for k, v in used.items()) or "unknown")
            )


def by_their_client(python: Path, one: Side, history: str, *, seconds: float, quick: bool) -> dict[str, Timed]:
    """What MLflow's own client, a process in the peer's environment, needs for each of its calls."""
    how = ["--seconds", f"{seconds:g}", *(["--quick"] if quick else [])]
    command = [str(python), "-P", str(_CLIENT), one.uri, history, *how]
    done = subprocess.run(command, env=without_ours(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"mlflow's client against {one.uri} ended with {done.returncode}: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {what: Timed.of([one / 1000 for one in took], sum(took) / 1000) for what, took in told["took"].items()}
