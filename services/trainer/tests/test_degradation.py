"""Fallen quality leads to a training or to a reason, as drift does, and the two do not get into each other's way."""

import pytest
from trainer_facts import degradation, drift, requested, workflow

from murmur_events.monitoring import DriftDetected, PerformanceDegraded
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_kernel.testing import Harness
from murmur_kernel.unit_of_work import Chain
from murmur_trainer.freezing import ChangeFreeze, freeze
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.repository import TrainerUnitOfWork

Trainer = Harness[TrainerUnitOfWork]
Found = DriftDetected | PerformanceDegraded


async def given(trainer: Trainer, workflows: WorkflowHandlers, monitoring: str = "{retrain: on_either}") -> None:
    await trainer.change(workflows.apply_workflow, workflow(monitoring=monitoring))
    trainer.take_published()


async def answer_to(trainer: Trainer, event: Found) -> TrainingRequested | TrainingSkipped:
    """What it leads to; a training is done at once, and its end heard."""
    trainer.take_published()
    await trainer.receives(event)
    (answer,) = trainer.take_published()
    assert isinstance(answer, TrainingRequested | TrainingSkipped)
    if isinstance(answer, TrainingRequested):
        await trainer.receives(answer)
        await trainer.run_jobs()
        await trainer.receives(trainer.published[-1])
    return answer


async def test_degradation_asks_for_a_training_in_its_own_chain(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await given(trainer, workflows, "{retrain: on_degradation}")
    await trainer.receives(degradation("d1"), event_id="degraded", chain=Chain("story", None))
    (event,) = trainer.published
    assert isinstance(event, TrainingRequested)
    assert (event.trigger.kind, event.trigger.key, event.revision) == ("degradation", "d1", 1)
    assert event.trigger.reason == "credit v2: auc 0.600 [0.550, 0.650] in 800 labels"
    envelope = trainer.envelopes[0]
    assert (envelope.correlation_id, envelope.causation_id) == ("story", "degraded")


@pytest.mark.parametrize(
    ("retrain", "event", "trains"),
    [
        ("on_drift", degradation(), False),
        ("on_drift", drift(), True),
        ("on_degradation", degradation(), True),
        ("on_degradation", drift(), False),
        ("on_either", degradation(), True),
        ("on_either", drift(), True),
        ("never", degradation(), False),
        ("never", drift(), False),
    ],
)
async def test_the_workflow_says_what_it_retrains_on(
    trainer: Trainer, workflows: WorkflowHandlers, retrain: str, event: Found, trains: bool
) -> None:
    await given(trainer, workflows, f"{{retrain: {retrain}}}")
    answer = await answer_to(trainer, event)
    assert isinstance(answer, TrainingRequested) is trains
    if isinstance(answer, TrainingSkipped):
        assert answer.why == "retraining_off"
        assert f"monitoring.retrain is {retrain!r}" in answer.detail


async def test_drift_and_degradation_share_a_cooldown(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await given(trainer, workflows, "{retrain: on_either, cooldown: 1h}")
    assert isinstance(await answer_to(trainer, drift("e1")), TrainingRequested)
    early = await answer_to(trainer, degradation("d1"))
    assert isinstance(early, TrainingSkipped)
    assert early.why == "cooling_down"
    trainer.clock.advance(3600)
    assert isinstance(await answer_to(trainer, degradation("d2")), TrainingRequested)


async def test_one_episode_trains_once(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await given(trainer, workflows)
    assert isinstance(await answer_to(trainer, degradation("d1")), TrainingRequested)
    again = await answer_to(trainer, degradation("d1"))
    assert isinstance(again, TrainingSkipped)
    assert again.why == "already_trained"


async def test_no_training_while_one_is_under_way(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await given(trainer, workflows)
    await trainer.receives(requested("manual"))
    answer = await answer_to(trainer, degradation())
    assert isinstance(answer, TrainingSkipped)
    assert answer.why == "training_active"


async def test_a_request_of_degradation_does_not_wait_behind_a_training(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await given(trainer, workflows)
    await trainer.receives(requested("manual"))
    trainer.take_published()
    await trainer.receives(requested("degradation", "d9"))
    (answer,) = trainer.published
    assert isinstance(answer, TrainingSkipped)
    assert answer.why == "training_active"


async def test_a_freeze_of_retraining_holds_it_back(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await given(trainer, workflows)
    await trainer.change(freeze, ChangeFreeze(what="retraining", workflow="credit", by="ada", reason="audit"))
    answer = await answer_to(trainer, degradation())
    assert isinstance(answer, TrainingSkipped)
    assert answer.why == "frozen"
