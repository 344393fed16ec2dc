"""Each request for a training starts one, waits its turn, or is skipped with a reason."""

from datetime import UTC, datetime

import pytest
from trainer_facts import QUARTERLY, requested, workflow
from trainer_fakes import FakeWorker

from murmur_events.base import Event
from murmur_events.runs import RunCompleted, RunFailed, RunLogged, RunStarted
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_kernel.errors import Missing
from murmur_kernel.testing import Harness
from murmur_kernel.unit_of_work import Chain
from murmur_trainer import handlers, views
from murmur_trainer.domain.asking import NotAskable
from murmur_trainer.domain.training import Trigger, run_id_of
from murmur_trainer.handlers import AskForTraining, WorkflowHandlers
from murmur_trainer.repository import LINES, TrainerUnitOfWork
from murmur_training.messages import Line
from murmur_training.spec import Failed

Trainer = Harness[TrainerUnitOfWork]

FIRST = run_id_of("credit", Trigger(kind="manual", key="k1"))
SECOND = run_id_of("credit", Trigger(kind="manual", key="k2"))
THIRD = run_id_of("credit", Trigger(kind="schedule", key="k3"))


@pytest.fixture
async def applied(trainer: Trainer, workflows: WorkflowHandlers) -> Trainer:
    """The trainer, knowing the workflow `credit`."""
    await trainer.change(
        workflows.apply_workflow, workflow(schedule=QUARTERLY, training="{parameters: {depth: 3, eta: 0.1}}")
    )
    trainer.take_published()
    return trainer


async def run_ended(trainer: Trainer) -> None:
    """The trainer hears its own last fact, as it would over the bus."""
    await trainer.receives([event for event in trainer.published if isinstance(event, RunCompleted | RunFailed)][-1])


async def states(trainer: Trainer) -> dict[str, str]:
    page = await trainer.read(views.list_trainings, views.ListTrainings())
    return {training.run_id: training.state.value for training in page.items}


def ended(run_id: str) -> RunFailed:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return RunFailed(
        run_id=run_id,
        workflow="credit",
        revision=1,
        trigger={"kind": "manual", "key": "any"},
        attempt=1,
        cause="killed",
        message="",
        started_at=at,
        ended_at=at,
    )


def reasons(events: list[Event]) -> list[str]:
    return [event.why for event in events if isinstance(event, TrainingSkipped)]


async def test_a_request_becomes_a_run_in_the_chain_that_asked(applied: Trainer) -> None:
    await applied.receives(requested(), event_id="asked", chain=Chain("story", None))
    assert await states(applied) == {FIRST: "queued"}
    await applied.run_jobs()
    assert await states(applied) == {FIRST: "completed"}
    assert {(envelope.correlation_id, envelope.causation_id) for envelope in applied.envelopes} == {("story", "asked")}


async def test_the_same_event_twice_starts_one_run(applied: Trainer) -> None:
    for _ in range(2):
        await applied.receives(requested(), event_id="asked")
        await applied.run_jobs()
    assert [type(event) for event in applied.published].count(RunCompleted) == 1


async def test_the_same_trigger_twice_is_skipped_and_names_the_run(applied: Trainer) -> None:
    await applied.receives(requested())
    await applied.run_jobs()
    applied.take_published()
    await applied.receives(requested())
    (skip,) = applied.published
    assert isinstance(skip, TrainingSkipped)
    assert skip.why == "already_trained"
    assert skip.detail == f"run {FIRST!r} of 'credit' answers this trigger and is completed"
    assert await applied.run_jobs() == 0


async def test_a_trigger_whose_run_failed_says_how_to_train_again(applied: Trainer, worker: FakeWorker) -> None:
    worker.results.append(Failed(cause="code_raised", message="no"))
    await applied.receives(requested())
    await applied.run_jobs()
    applied.take_published()
    await applied.receives(requested())
    (skip,) = applied.published
    assert isinstance(skip, TrainingSkipped)
    assert "is failed (code_raised): train the same data again with a manual trigger" in skip.detail


async def test_a_request_for_an_unknown_workflow_is_skipped(trainer: Trainer) -> None:
    await trainer.receives(requested())
    assert reasons(trainer.published) == ["unknown_workflow"]


async def test_a_request_for_a_revision_to_come_is_skipped(applied: Trainer) -> None:
    await applied.receives(requested(revision=7))
    assert reasons(applied.published) == ["unknown_workflow"]


async def test_what_people_and_schedules_ask_for_waits_in_line_and_nothing_is_lost(applied: Trainer) -> None:
    await applied.receives(requested("manual", "k1"))
    await applied.receives(requested("manual", "k2"))
    await applied.receives(requested("schedule", "k3"), event_id="third", chain=Chain("another story", None))
    started = []
    for _ in range(3):
        assert await applied.run_jobs() == 1
        started += [event.run_id for event in applied.take_published() if isinstance(event, RunStarted)]
        await applied.receives(ended(started[-1]))
    assert started == [FIRST, SECOND, THIRD]
    line = await applied.get(LINES, "credit")
    assert line is not None
    assert (line.active, line.waiting) == (None, ())
    assert await applied.run_jobs() == 0


async def test_one_that_waited_keeps_its_own_chain_and_revision(
    applied: Trainer, workflows: WorkflowHandlers, worker: FakeWorker
) -> None:
    worker.messages = (Line(text="at work"),)
    await applied.receives(requested("manual", "k1"))
    await applied.receives(requested("manual", "k2"), event_id="second", chain=Chain("another story", None))
    await applied.change(workflows.apply_workflow, workflow(description="newer"))
    await applied.run_jobs()
    await run_ended(applied)
    applied.envelopes = []
    await applied.run_jobs()
    assert {envelope.correlation_id for envelope in applied.envelopes} == {"another story"}
    assert any(isinstance(event, RunLogged) for event in applied.published)
    (started,) = [event for event in applied.published if isinstance(event, RunStarted)]
    assert (started.run_id, started.revision) == (SECOND, 1)


async def test_a_failed_run_lets_the_next_begin(applied: Trainer, worker: FakeWorker) -> None:
    worker.results.append(Failed(cause="out_of_time", message="too slow"))
    await applied.receives(requested("manual", "k1"))
    await applied.receives(requested("manual", "k2"))
    await applied.run_jobs()
    await run_ended(applied)
    await applied.run_jobs()
    assert await states(applied) == {FIRST: "failed", SECOND: "completed"}


async def test_the_end_of_a_run_that_is_not_the_trainers_moves_no_line(applied: Trainer) -> None:
    await applied.receives(requested("manual", "k1"))
    await applied.receives(requested("manual", "k2"))
    await applied.receives(ended("r-of-somebody-else"))
    line = await applied.get(LINES, "credit")
    assert line is not None
    assert (line.active, line.waiting) == (FIRST, (SECOND,))


async def test_the_fact_that_drift_asks_is_skipped_while_one_trains(applied: Trainer) -> None:
    await applied.receives(requested("manual", "k1"))
    await applied.receives(requested("drift", "e1"))
    assert reasons(applied.published) == ["training_active"]


class TestAskingByHand:
    async def test_it_begins_a_chain_and_the_key_makes_the_run(self, applied: Trainer) -> None:
        accepted = await applied.change(
            handlers.ask_for_training, AskForTraining(workflow="credit", key="k1", reason="curious"), key="k1"
        )
        (event,) = applied.published
        assert event == TrainingRequested(
            workflow="credit",
            revision=1,
            trigger={"kind": "manual", "key": "k1", "reason": "curious", "by": "somebody"},
            as_of=applied.clock.now(),
        )
        assert accepted.run_id == FIRST
        assert accepted.correlation_id == applied.envelopes[0].correlation_id
        assert applied.envelopes[0].causation_id is None

    async def test_the_same_key_asks_once_and_gets_the_same_answer(self, applied: Trainer) -> None:
        command = AskForTraining(workflow="credit", key="k1")
        first = await applied.change(handlers.ask_for_training, command, key="k1")
        applied.clock.advance(60)
        again = await applied.change(handlers.ask_for_training, command, key="k1")
        assert again == first.model_dump(mode="json")
        assert len(applied.published) == 1

    async def test_without_a_key_each_wish_is_a_new_one(self, applied: Trainer) -> None:
        for _ in range(2):
            await applied.change(handlers.ask_for_training, AskForTraining(workflow="credit"))
        assert len({event.trigger.key for event in applied.published if isinstance(event, TrainingRequested)}) == 2

    async def test_a_past_tick_is_its_own_key(self, applied: Trainer) -> None:
        tick = datetime(2005, 10, 1, tzinfo=UTC)
        await applied.change(
            handlers.ask_for_training,
            AskForTraining(workflow="credit", kind="schedule", as_of=tick, key="x", parameters={"depth": 2}),
        )
        (event,) = applied.published
        assert isinstance(event, TrainingRequested)
        assert (event.trigger.kind, event.trigger.key) == ("schedule", "2005-10-01T00:00:00Z")
        assert (event.as_of, event.parameters) == (tick, {"depth": 2})

    @pytest.mark.parametrize(
        ("wish", "said"),
        [
            (
                AskForTraining(workflow="credit", kind="schedule", as_of=datetime(2005, 9, 30, tzinfo=UTC)),
                "2005-09-30T00:00:00Z is not a tick of 'credit' (schedule '0 0 1 1,4,7,10 *'): the nearest are"
                " 2005-07-01T00:00:00Z and 2005-10-01T00:00:00Z",
            ),
            (AskForTraining(workflow="credit", as_of=datetime(2100, 1, 1, tzinfo=UTC)), "yet to come"),
            (AskForTraining(workflow="credit", parameters={"dept": 1}), "did you mean 'depth'?"),
            (AskForTraining(workflow="credit", parameters={"xyz": 1}), "it has depth, eta"),
        ],
    )
    async def test_an_unusable_wish_says_what_can_be_asked(
        self, applied: Trainer, wish: AskForTraining, said: str
    ) -> None:
        with pytest.raises(NotAskable) as raised:
            await applied.change(handlers.ask_for_training, wish)
        assert said in str(raised.value)
        assert applied.published == []

    async def test_without_a_schedule_there_is_no_tick(self, trainer: Trainer, workflows: WorkflowHandlers) -> None:
        await trainer.change(workflows.apply_workflow, workflow())
        with pytest.raises(NotAskable, match="has no schedule"):
            await trainer.change(handlers.ask_for_training, AskForTraining(workflow="credit", kind="schedule"))

    async def test_an_unknown_workflow_is_missing(self, trainer: Trainer) -> None:
        with pytest.raises(Missing):
            await trainer.change(handlers.ask_for_training, AskForTraining(workflow="credit"))
