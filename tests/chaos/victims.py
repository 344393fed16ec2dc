"""Who can be killed in a flock, and the plan of who is: drawn from a seed, so that a run can be had again."""

import random
import re
from dataclasses import dataclass

import psutil

from murmur_runtime import living
from murmur_runtime.home import Home
from murmur_runtime.settings import SERVICE_OFFSETS

MODEL_SERVER, TRAINING = "model server", "training"
KINDS = (*SERVICE_OFFSETS, "kafka", "envoy", "supervisor", MODEL_SERVER, TRAINING)


@dataclass(frozen=True)
class Strike:
    """kind: of the victim; gap: seconds before it; lot: from 0 to 1, which of several."""

    kind: str
    gap: float
    lot: float


def drawn(seed: int, count: int) -> list[Strike]:
    """Every kind about equally often, in random order, with gaps of up to 6 s."""
    lots = random.Random(seed)
    kinds = [kind for _ in range(count // len(KINDS) + 1) for kind in lots.sample(KINDS, len(KINDS))]
    return [Strike(kind, lots.uniform(0.2, 6.0), lots.random()) for kind in kinds[:count]]


def victim(home: Home, strike: Strike) -> psutil.Process | None:
    """None where nothing of that kind lives now."""
    found = sorted((each for each in living.tagged(home) if kind_of(each) == strike.kind), key=lambda each: each.pid)
    return found[int(strike.lot * len(found))] if found else None


def kind_of(process: psutil.Process) -> str:
    """What the suite calls it: by their command lines those that services start, by their names the others."""
    try:
        line, name = process.cmdline(), process.environ().get("MURMUR_PROCESS", "")
    except psutil.Error:
        return ""
    if "murmur_serving" in line:
        return MODEL_SERVER
    if "murmur_training.worker" in line:
        return TRAINING
    return re.sub(r"-\d+$", "", name)  # trainer-2 is a trainer


def memory_of(home: Home, kind: str) -> int:
    """Bytes that all of a kind have for themselves: what they share with others is counted once, with the other."""
    total = 0
    for process in living.tagged(home):
        if kind_of(process) == kind:
            try:
                total += process.memory_full_info().uss
            except psutil.Error:
                continue
    return total
