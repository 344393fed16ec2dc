"""A canary as people follow it: its steps with what became of each, and how it has ended."""

from dataclasses import dataclass
from typing import Literal

from murmur_console.domain.deployments import AspectTest, Deployed, RolledBack
from murmur_console.domain.history import CanaryRun, shares

StepState = Literal["passed", "now", "next", "stopped"]


@dataclass(frozen=True)
class Step:
    """number: from 1. share: of the requests, in words."""

    number: int
    share: str
    state: StepState


def steps(run: CanaryRun) -> list[Step]:
    def state(index: int) -> StepState:
        if isinstance(run.ended, Deployed):
            return "passed"
        if index < run.current:
            return "passed"
        if index > run.current:
            return "next"
        return "now" if run.ended is None else "stopped"

    return [Step(index + 1, share, state(index)) for index, share in enumerate(shares(run.start.steps))]


def title(run: CanaryRun) -> str:
    what = "Shadow" if not run.start.steps[run.current] and run.ended is None else "Canary"
    return f"{what} v{run.start.version}, compared with v{run.start.against}"


def outcome(run: CanaryRun) -> str:
    """How it has ended; empty while it is under way."""
    match run.ended:
        case None:
            return ""
        case Deployed():
            return f"passed: v{run.start.version} serves alone"
        case RolledBack(by=by, reason=reason):
            return f"rolled back by {by}: {reason}"
        case failed:
            return f"{failed.cause}: {failed.message}"


def amount(test: AspectTest, value: float | None) -> str:
    """Shares of requests as percentages, distances and metrics as they are."""
    if value is None:
        return ""
    return f"{value * 100:.3g} %" if test.aspect in ("errors", "latency") else f"{value:.3g}"
