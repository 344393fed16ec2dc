"""A drift episode leads to a training or to a reason, by the workflow's own policy."""

from datetime import timedelta

import pytest
from trainer_facts import drift, requested, workflow

from murmur_events.monitoring import DriftDetected
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_kernel.testing import Harness
from murmur_kernel.unit_of_work import Chain
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.repository import TrainerUnitOfWork

Trainer = Harness[TrainerUnitOfWork]


async def given(trainer: Trainer, workflows: WorkflowHandlers, monitoring: str = "{retrain: on_drift}") -> None:
    await trainer.change(workflows.apply_workflow, workflow(monitoring=monitoring))
    trainer.take_published()


async def answer_to(trainer: Trainer, event: DriftDetected) -> TrainingRequested | TrainingSkipped:
    """What a drift leads to; a request is heard by the trainer itself, trained, and its end heard too."""
    trainer.take_published()
    await trainer.receives(event)
    (answer,) = trainer.take_published()
    assert isinstance(answer, TrainingRequested | TrainingSkipped)
    if isinstance(answer, TrainingRequested):
        await trainer.receives(answer)
        await trainer.run_jobs()
        await trainer.receives(trainer.published[-1])
    return answer


async def test_drift_asks_for_a_training_of_now_in_its_own_chain(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await given(trainer, workflows)
    await trainer.receives(drift("e1"), event_id="drifted", chain=Chain("story", None))
    (event,) = trainer.published
    assert isinstance(event, TrainingRequested)
    assert (event.trigger.kind, event.trigger.key, event.revision) == ("drift", "e1", 1)
    assert event.trigger.reason == "limit drifted in 1,000 rows of credit v2"
    assert event.as_of == trainer.clock.now()
    envelope = trainer.envelopes[0]
    assert (envelope.correlation_id, envelope.causation_id) == ("story", "drifted")


async def test_no_training_where_the_workflow_wants_none(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await given(trainer, workflows, "{retrain: never}")
    answer = await answer_to(trainer, drift())
    assert isinstance(answer, TrainingSkipped)
    assert (answer.why, answer.model) == ("retraining_off", "credit")


async def test_no_training_for_an_unknown_workflow(trainer: Trainer) -> None:
    answer = await answer_to(trainer, drift())
    assert isinstance(answer, TrainingSkipped)
    assert answer.why == "unknown_workflow"


async def test_no_training_while_one_is_under_way(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await given(trainer, workflows)
    await trainer.receives(requested("manual"))
    answer = await answer_to(trainer, drift())
    assert isinstance(answer, TrainingSkipped)
    assert answer.why == "training_active"


async def test_one_episode_trains_once(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await given(trainer, workflows)
    assert isinstance(await answer_to(trainer, drift("e1")), TrainingRequested)
    again = await answer_to(trainer, drift("e1"))
    assert isinstance(again, TrainingSkipped)
    assert again.why == "already_trained"


async def test_a_cooldown_must_pass_between_two_trainings_by_drift(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await given(trainer, workflows, "{cooldown: 1h}")
    assert isinstance(await answer_to(trainer, drift("e1")), TrainingRequested)
    trainer.clock.advance(timedelta(minutes=59).total_seconds())
    early = await answer_to(trainer, drift("e2"))
    assert isinstance(early, TrainingSkipped)
    assert (early.why, early.detail) == (
        "cooling_down",
        "drift or degradation last asked at 2026-01-01 00:00:00Z: no training before 2026-01-01 01:00:00Z",
    )
    trainer.clock.advance(timedelta(minutes=1).total_seconds())
    assert isinstance(await answer_to(trainer, drift("e3")), TrainingRequested)


@pytest.mark.parametrize("kind", ["manual", "schedule"])
async def test_a_training_for_another_reason_starts_no_cooldown(
    trainer: Trainer, workflows: WorkflowHandlers, kind: str
) -> None:
    await given(trainer, workflows, "{cooldown: 1h}")
    await trainer.receives(requested(kind))
    await trainer.run_jobs()
    await trainer.receives(trainer.published[-1])
    assert isinstance(await answer_to(trainer, drift("e1")), TrainingRequested)
