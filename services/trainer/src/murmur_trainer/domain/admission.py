"""Whether a request for a training starts one, waits in line, or is skipped, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from murmur_trainer.domain.freezes import Freeze
from murmur_trainer.domain.line import Line
from murmur_trainer.domain.reproduction import Original, fault_of
from murmur_trainer.domain.training import Monitored, Request, Training
from murmur_trainer.domain.workflow import Workflow

SkipReason = Literal[
    "already_trained",
    "training_active",
    "cooling_down",
    "retraining_off",
    "unknown_workflow",
    "frozen",
    "not_reproducible",
    "cancelled",
]


@dataclass(frozen=True)
class Start:
    """Train now, with this revision."""

    revision: int


@dataclass(frozen=True)
class Wait:
    """Train with this revision when those before it in the line have ended."""

    revision: int


@dataclass(frozen=True)
class Skip:
    why: SkipReason
    detail: str


@dataclass(frozen=True)
class Retrain:
    """What the monitor found deserves a training with this revision."""

    revision: int


def admit(
    request: Request, *, workflow: Workflow | None, earlier: Training | None, line: Line, frozen: Freeze | None
) -> Start | Wait | Skip:
    """The answer to a request. `earlier` is the training that the same trigger asked for before.

    frozen: the freeze of retraining in force; it stops what nobody asked for, and nothing that was admitted before.

    A request of a person, a schedule or a client is never lost: it waits its turn. One of drift or degradation is
    worth only what the model that serves is worth, and the training under way will replace that: it is skipped.
    """
    if workflow is None:
        return _unknown(request.workflow)
    if request.revision is not None and request.revision > workflow.revision:
        detail = f"{workflow.name!r} has no revision {request.revision}: the newest is {workflow.revision}"
        return Skip("unknown_workflow", detail)
    if earlier is not None:
        return already_trained(earlier)
    if frozen is not None and request.trigger.automatic:
        return _frozen(frozen)
    revision = request.revision or workflow.revision
    if line.active is None:
        return Start(revision)
    if request.trigger.kind in ("drift", "degradation"):
        return _busy(line.active)
    return Wait(revision)


def admit_reproduction(
    request: Request, *, workflow: Workflow | None, original: Original | None, earlier: Training | None
) -> Start | Skip:
    """The answer to a request that repeats a run.

    It waits in no line: its model becomes no version, so that it competes with nobody, and what drift asks for must not
    be skipped because of it.
    """
    if workflow is None:
        return _unknown(request.workflow)
    if (fault := fault_of(request, original)) is not None:
        return Skip("not_reproducible", fault)
    if earlier is not None:
        return already_trained(earlier)
    assert original is not None, "a wish without an original is a fault"
    return Start(original.revision)


def answer_monitor(
    found: Monitored,
    *,
    workflow: Workflow | None,
    name: str,
    earlier: Training | None,
    line: Line,
    frozen: Freeze | None,
    now: datetime,
) -> Retrain | Skip:
    """What a new episode of drift or degradation of workflow `name` leads to, by the workflow's own policy.

    Both replace the same model, so that they share one cooldown.
    """
    if workflow is None:
        return _unknown(name)
    if not workflow.retrains_on(found):
        off = f"monitoring.retrain is {workflow.retrain!r}, and this is {found}"
        return Skip("retraining_off", f"{off}: start a training with `murmur trigger {name}`")
    if earlier is not None:
        return already_trained(earlier)
    if frozen is not None:
        return _frozen(frozen)
    if line.active is not None:
        return _busy(line.active)
    if line.drifted_at is not None and now < line.drifted_at + workflow.cooldown:
        until = f"{line.drifted_at + workflow.cooldown:%F %T}Z"
        asked = f"drift or degradation last asked at {line.drifted_at:%F %T}Z"
        return Skip("cooling_down", f"{asked}: no training before {until}")
    return Retrain(workflow.revision)


def _unknown(name: str) -> Skip:
    return Skip("unknown_workflow", f"no workflow {name!r} was ever applied: send it with `murmur apply`")


def already_trained(earlier: Training) -> Skip:
    """The same trigger was answered before."""
    detail = f"run {earlier.run_id!r} of {earlier.workflow!r} answers this trigger and is {earlier.state.value}"
    if earlier.cause is not None:
        detail += f" ({earlier.cause}): train the same data again with a manual trigger of the same as_of"
    return Skip("already_trained", detail)


def _busy(run_id: str) -> Skip:
    return Skip("training_active", f"run {run_id!r} is under way and will replace the model that serves")


def _frozen(freeze: Freeze) -> Skip:
    return Skip("frozen", f"{freeze.words}; `murmur trigger` still works, `murmur unfreeze` lifts it")
