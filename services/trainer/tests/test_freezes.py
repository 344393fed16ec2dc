"""Operators forbid retraining by itself, and allow it again: what starts, what is skipped, what others hear of it."""

from datetime import UTC, datetime

import pytest
from trainer_facts import QUARTERLY, drift, requested, workflow
from trainer_fakes import FakeWorker

from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.runs import RunCompleted, RunStarted
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_kernel.errors import Missing
from murmur_kernel.testing import Harness
from murmur_trainer import freezing, handlers
from murmur_trainer.freezing import ChangeFreeze, ListFreezes, NotFrozen
from murmur_trainer.handlers import AskForTraining, WorkflowHandlers
from murmur_trainer.repository import TrainerUnitOfWork

Trainer = Harness[TrainerUnitOfWork]

CREDIT = ChangeFreeze(what="retraining", workflow="credit", by="olga", reason="quarter end")
EVERY = ChangeFreeze(what="retraining", workflow=None, by="ann", reason="an incident")


async def applied(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await trainer.change(workflows.apply_workflow, workflow(schedule=f"'{QUARTERLY}'"))
    trainer.take_published()


def skips(trainer: Trainer) -> list[tuple[str, str]]:
    return [(event.why, event.detail) for event in trainer.take_published() if isinstance(event, TrainingSkipped)]


def started(trainer: Trainer) -> bool:
    return any(isinstance(event, RunStarted) for event in trainer.take_published())


@pytest.mark.parametrize("command", [CREDIT, EVERY], ids=["this workflow", "all workflows"])
@pytest.mark.parametrize("kind", ["schedule", "commit", "data", "drift"])
async def test_what_nobody_asked_for_is_skipped_and_says_by_whom_it_was_frozen(
    trainer: Trainer, workflows: WorkflowHandlers, kind: str, command: ChangeFreeze
) -> None:
    await applied(trainer, workflows)
    await trainer.change(freezing.freeze, command)
    await trainer.receives(requested(kind=kind))
    ((why, detail),) = skips(trainer)
    assert why == "frozen"
    assert f"frozen by {command.by}" in detail
    assert command.reason in detail
    await trainer.run_jobs()
    assert not started(trainer)


@pytest.mark.parametrize("kind", ["schedule", "commit", "data", "drift"])
async def test_without_a_freeze_the_same_starts(trainer: Trainer, workflows: WorkflowHandlers, kind: str) -> None:
    """Negative control: frozen and lifted, and a freeze of something else."""
    await applied(trainer, workflows)
    await trainer.change(freezing.freeze, CREDIT)
    await trainer.change(freezing.unfreeze, CREDIT)
    await trainer.change(freezing.freeze, ChangeFreeze(what="promotion", workflow=None, by="ann", reason="other"))
    await trainer.receives(requested(kind=kind))
    await trainer.run_jobs()
    assert started(trainer)


async def test_drift_is_answered_with_why_and_a_tick_ends_in_a_fact_too(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await applied(trainer, workflows)
    await trainer.change(freezing.freeze, EVERY)
    await trainer.receives(drift())
    assert [why for why, _ in skips(trainer)] == ["frozen"]
    trainer.clock.advance((datetime(2026, 4, 1, tzinfo=UTC) - trainer.clock.now()).total_seconds())
    await trainer.run_jobs()
    (tick,) = [event for event in trainer.take_published() if isinstance(event, TrainingRequested)]
    assert tick.trigger.by == ""
    await trainer.receives(tick)
    assert [why for why, _ in skips(trainer)] == ["frozen"]


@pytest.mark.parametrize("kind", ["manual", "schedule"])
async def test_what_a_person_asks_for_still_runs(trainer: Trainer, workflows: WorkflowHandlers, kind: str) -> None:
    """Also when they replay a tick of the schedule."""
    await applied(trainer, workflows)
    await trainer.change(freezing.freeze, EVERY)
    await trainer.change(
        handlers.ask_for_training, AskForTraining(workflow="credit", kind="manual" if kind == "manual" else "schedule")
    )
    (wish,) = [event for event in trainer.take_published() if isinstance(event, TrainingRequested)]
    await trainer.receives(wish)
    await trainer.run_jobs()
    assert started(trainer)


async def test_a_training_under_way_and_one_that_was_admitted_go_on(
    trainer: Trainer, workflows: WorkflowHandlers, worker: FakeWorker
) -> None:
    await applied(trainer, workflows)
    await trainer.receives(requested(kind="commit", key="running"))
    await trainer.receives(requested(kind="commit", key="waiting"))
    await trainer.change(freezing.freeze, CREDIT)
    for _ in range(2):
        await trainer.run_jobs()
        for event in trainer.take_published():
            if isinstance(event, RunCompleted):
                await trainer.receives(event)
    assert len(worker.specs) == 2
    await trainer.receives(requested(kind="commit", key="late"))
    assert [why for why, _ in skips(trainer)] == ["frozen"]


async def test_a_scope_frozen_twice_is_frozen_once_and_keeps_who_froze_it(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await applied(trainer, workflows)
    await trainer.change(freezing.freeze, CREDIT)
    again = await trainer.change(
        freezing.freeze, ChangeFreeze(what="retraining", workflow="credit", by="ann", reason="me too")
    )
    assert (again.by, again.revision) == ("olga", 1)
    assert [type(event) for event in trainer.take_published()] == [AutomationFrozen]


async def test_any_matching_freeze_holds_and_lifting_one_leaves_the_other(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await applied(trainer, workflows)
    await trainer.change(freezing.freeze, CREDIT)
    await trainer.change(freezing.freeze, EVERY)
    await trainer.change(freezing.unfreeze, CREDIT)
    await trainer.receives(requested(kind="commit", key="1"))
    assert "all workflows was frozen by ann" in skips(trainer)[0][1]
    with pytest.raises(NotFrozen, match=r"all workflows was frozen by ann.*lift 'retraining/\*' instead"):
        await trainer.change(freezing.unfreeze, CREDIT)
    await trainer.change(freezing.unfreeze, EVERY)
    await trainer.receives(requested(kind="commit", key="2"))
    assert skips(trainer) == []


async def test_each_change_of_a_scope_has_the_next_revision(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await applied(trainer, workflows)
    for _ in range(2):
        await trainer.change(freezing.freeze, CREDIT)
        await trainer.change(freezing.unfreeze, CREDIT)
    changes = [event for event in trainer.published if isinstance(event, AutomationFrozen | AutomationUnfrozen)]
    assert [(event.scope, event.revision) for event in changes] == [("retraining/credit", n) for n in (1, 2, 3, 4)]
    assert (await trainer.read(freezing.list_freezes, ListFreezes())).items == ()
    assert [one.active for one in (await trainer.read(freezing.list_freezes, ListFreezes(active=None))).items] == [
        False
    ]


async def test_an_unknown_workflow_cannot_be_frozen(trainer: Trainer) -> None:
    with pytest.raises(Missing, match="'credit'"):
        await trainer.change(freezing.freeze, CREDIT)
