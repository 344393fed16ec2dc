"""The schedule of a workflow ticks by itself, through restarts and new revisions."""

from datetime import UTC, datetime, timedelta

from trainer_facts import QUARTERLY, workflow

from murmur_events.training import TrainingRequested
from murmur_kernel.testing import Harness
from murmur_trainer import views
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.repository import TrainerUnitOfWork

Trainer = Harness[TrainerUnitOfWork]

DAY = timedelta(days=1).total_seconds()


async def ticks(trainer: Trainer, *, days: float) -> list[str]:
    """The keys of the trainings that the passing of so many days asks for."""
    trainer.take_published()
    trainer.clock.advance(days * DAY)
    await trainer.run_jobs()
    found = []
    for event in trainer.published:
        assert isinstance(event, TrainingRequested)
        assert event.trigger.kind == "schedule"
        assert event.as_of == datetime.fromisoformat(event.trigger.key)
        found.append(event.trigger.key)
    return found


async def next_tick(trainer: Trainer) -> datetime | None:
    return (await trainer.read(views.workflow_named, "credit")).next_tick


async def test_each_tick_asks_for_the_training_of_its_moment(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await trainer.change(workflows.apply_workflow, workflow(schedule=QUARTERLY))
    assert await ticks(trainer, days=89.9) == []
    assert await ticks(trainer, days=0.1) == ["2026-04-01T00:00:00Z"]
    assert await ticks(trainer, days=0) == []
    assert await next_tick(trainer) == datetime(2026, 7, 1, tzinfo=UTC)
    assert await ticks(trainer, days=91) == ["2026-07-01T00:00:00Z"]


async def test_a_tick_begins_a_chain_of_its_own_and_pins_the_revision(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    applied = await trainer.change(workflows.apply_workflow, workflow(schedule="0 0 * * *"))
    await ticks(trainer, days=1)
    first = trainer.envelopes[0]
    await ticks(trainer, days=1)
    second = trainer.envelopes[0]
    assert len({applied.correlation_id, first.correlation_id, second.correlation_id}) == 3
    assert (first.causation_id, second.causation_id) == (None, None)
    assert isinstance(first.event, TrainingRequested)
    assert first.event.revision == 1


async def test_of_the_ticks_missed_while_the_trainer_was_down_the_latest_fires_once(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await trainer.change(workflows.apply_workflow, workflow(schedule="0 0 * * *"))
    assert await ticks(trainer, days=10.5) == ["2026-01-11T00:00:00Z"]
    assert await next_tick(trainer) == datetime(2026, 1, 12, tzinfo=UTC)


async def test_a_new_schedule_times_anew(trainer: Trainer, workflows: WorkflowHandlers) -> None:
    await trainer.change(workflows.apply_workflow, workflow(schedule="0 0 * * *"))
    await trainer.change(workflows.apply_workflow, workflow(schedule="0 0 3 * *"))
    trainer.clock.advance(DAY)
    assert await trainer.run_jobs() == 0
    assert await ticks(trainer, days=1) == ["2026-01-03T00:00:00Z"]


async def test_a_revision_that_keeps_its_schedule_keeps_a_missed_tick(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await trainer.change(workflows.apply_workflow, workflow(schedule="0 0 * * *"))
    trainer.clock.advance(1.5 * DAY)
    await trainer.change(workflows.apply_workflow, workflow(schedule="0 0 * * *", description="newer"))
    assert await ticks(trainer, days=0) == ["2026-01-02T00:00:00Z"]


async def test_a_revision_without_a_schedule_is_silent_until_one_comes_back(
    trainer: Trainer, workflows: WorkflowHandlers
) -> None:
    await trainer.change(workflows.apply_workflow, workflow(schedule="0 0 * * *"))
    await trainer.change(workflows.apply_workflow, workflow())
    assert await next_tick(trainer) is None
    assert await ticks(trainer, days=3) == []
    await trainer.change(workflows.apply_workflow, workflow(schedule="0 0 * * *"))
    assert await ticks(trainer, days=1) == ["2026-01-05T00:00:00Z"]
