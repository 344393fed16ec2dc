"""A sweep becomes its trainings, each once, and ends in one fact, whatever happens to them."""

from datetime import timedelta
from typing import Any

import pytest
from trainer_facts import requested, workflow
from trainer_fakes import TRAINED, FakeWorker

from murmur_events import Envelope
from murmur_events.runs import RunCompleted, RunFailed, RunStarted
from murmur_events.sweeps import SweepCompleted, SweepRequested
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_kernel.consuming import Dead, Park
from murmur_kernel.testing import Harness
from murmur_kernel.unit_of_work import Chain
from murmur_trainer import sweep_views, sweeping, views
from murmur_trainer.domain.asking import NotAskable
from murmur_trainer.domain.planning import Plan
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.repository import SLOTS, SWEEPS, TRAIN, TrainerUnitOfWork
from murmur_trainer.schemas import SweepView
from murmur_trainer.sweeping import CancelSweep, StartSweep, SweepOver
from murmur_training.spec import Failed, Trained, WorkerResult, WorkerSpec

Trainer = Harness[TrainerUnitOfWork]

TRAINING = "{parameters: {depth: 3, data: seattle}, objective: {metric: rmse, goal: minimize}}"
PLAN = Plan(grid={"depth": (3, 5, 7)}, data={"data": ("seattle", "co2")})


@pytest.fixture
async def applied(trainer: Trainer, workflows: WorkflowHandlers) -> Trainer:
    await trainer.change(workflows.apply_workflow, workflow(training=TRAINING))
    trainer.take_published()
    return trainer


async def swept(trainer: Trainer, plan: Plan = PLAN, **told: Any) -> SweepView:
    return await trainer.change(sweeping.start_sweep, StartSweep(workflow="credit", by="ada", plan=plan, **told))


HEARD = (TrainingRequested, RunCompleted, RunFailed)
OLD: list[Envelope] = []
"""What was heard already, for tests that look at it."""


@pytest.fixture(autouse=True)
def _forget() -> None:
    OLD.clear()


async def heard(trainer: Trainer, *, twice: bool = False) -> None:
    """The trainer hears what it said, as over the bus: its own requests, and the ends of its runs."""
    while said := [each for each in trainer.envelopes if isinstance(each.event, HEARD)]:
        trainer.envelopes = [each for each in trainer.envelopes if each not in said]
        OLD.extend(said)
        for envelope in said:
            for _ in range(1 + twice):
                chain = Chain(envelope.correlation_id, envelope.causation_id)
                await trainer.receives(envelope.event, event_id=envelope.id, chain=chain)


async def to_the_end(trainer: Trainer, *, twice: bool = False) -> SweepCompleted:
    await heard(trainer, twice=twice)
    while await trainer.run_jobs():
        await heard(trainer, twice=twice)
    (completed,) = [event for event in trainer.published if isinstance(event, SweepCompleted)]
    return completed


def measured(value: float) -> Trained:
    return TRAINED.model_copy(update={"metrics": {"rmse": value}})


async def test_one_root_asks_for_every_member_in_its_chain(applied: Trainer) -> None:
    view = await swept(applied, max_parallel=2, reason="deeper?")
    root, *members = applied.envelopes
    assert isinstance(root.event, SweepRequested)
    assert (root.event.members, root.event.metric, root.event.goal) == (6, "rmse", "minimize")
    assert root.causation_id is None
    assert {(each.correlation_id, each.causation_id) for each in members} == {(view.correlation_id, root.id)}
    assert [each.event.parameters for each in members] == [
        {"depth": depth, "data": data} for depth in (3, 5, 7) for data in ("seattle", "co2")
    ]
    assert {each.event.sweep for each in members} == {view.sweep_id}
    assert {each.event.trigger.by for each in members} == {"ada"}


async def test_it_ends_with_counts_and_the_best_run_of_each_choice_of_the_data(
    applied: Trainer, worker: FakeWorker
) -> None:
    view = await swept(applied)
    by_parameters = {(3, "seattle"): 3.0, (5, "seattle"): 2.0, (7, "seattle"): 2.5, (3, "co2"): 0.1, (7, "co2"): 0.3}

    def answer(spec: WorkerSpec) -> WorkerResult:
        value = by_parameters.get((spec.parameters["depth"], spec.parameters["data"]))
        return measured(value) if value else Failed(cause="code_raised", message="train.py, line 3: no")

    worker.answers = answer
    completed = await to_the_end(applied)
    assert (completed.outcome, completed.members, completed.completed, completed.failed) == ("completed", 6, 5, 1)
    assert {(best.data["data"], best.value, best.parameters["depth"]) for best in completed.best} == {
        ("seattle", 2.0, 5),
        ("co2", 0.1, 3),
    }
    ends = {event.run_id for event in (each.event for each in OLD) if isinstance(event, RunCompleted)}
    assert {best.run_id for best in completed.best} <= ends
    sweep = await applied.read(sweep_views.sweep_named, view.sweep_id)
    assert (sweep.state, sweep.training, sweep.waiting, sweep.correlation_id) == (
        "completed",
        0,
        0,
        view.correlation_id,
    )
    assert {each.correlation_id for each in OLD} == {view.correlation_id}


async def test_more_is_better_where_the_goal_says_so(applied: Trainer, worker: FakeWorker) -> None:
    worker.results += [measured(1.0), measured(3.0), measured(2.0)]
    await swept(applied, Plan(grid={"depth": (3, 5, 7)}), metric="rmse", goal="maximize")
    assert [best.value for best in (await to_the_end(applied)).best] == [3.0]


async def test_runs_without_the_metric_are_counted_and_are_never_the_best(applied: Trainer, worker: FakeWorker) -> None:
    worker.results += [TRAINED, measured(float("nan"))]
    await swept(applied, Plan(grid={"depth": (3, 5)}))
    completed = await to_the_end(applied)
    assert (completed.completed, completed.best) == (2, ())


async def test_no_more_train_than_the_sweep_s_own_limit(applied: Trainer) -> None:
    view = await swept(applied, max_parallel=2)
    await heard(applied)
    sweep = await applied.get(SWEEPS, view.sweep_id)
    assert sweep is not None
    assert (len(sweep.active), len(sweep.ready)) == (2, 4)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"plan": Plan(grid={"depth": (3, "deep")})}, "depth='deep' is text"),
        ({"plan": Plan(grid={"dept": (3,)})}, "did you mean 'depth'?"),
        ({"metric": "auc"}, "by which metric is a run of 'credit' the best"),
    ],
)
async def test_what_cannot_be_trained_is_refused_before_anything_begins(
    applied: Trainer, told: dict[str, Any], said: str
) -> None:
    with pytest.raises(NotAskable) as refused:
        await swept(applied, **told)
    assert said in str(refused.value)
    assert applied.published == []
    assert (await applied.read(sweep_views.list_sweeps, sweep_views.ListSweeps())).items == ()


async def test_everything_said_twice_makes_nothing_twice(applied: Trainer, worker: FakeWorker) -> None:
    await swept(applied)
    completed = await to_the_end(applied, twice=True)
    assert completed.completed == 6
    starts = [event.run_id for event in applied.published if isinstance(event, RunStarted)]
    assert len(starts) == len(set(starts)) == 6


async def test_the_same_call_twice_is_one_sweep(applied: Trainer) -> None:
    command = StartSweep(workflow="credit", by="ada", plan=PLAN)
    for _ in range(2):
        await applied.change(sweeping.start_sweep, command, key="once")
    assert [type(event) for event in applied.published].count(SweepRequested) == 1
    assert [type(event) for event in applied.published].count(TrainingRequested) == 6


async def test_a_killed_trainer_s_member_is_taken_over_with_its_slot_and_counts_once(applied: Trainer) -> None:
    await swept(applied, Plan(grid={"depth": (3, 5)}))
    await heard(applied)
    now = applied.clock.now()
    dead = await applied.store.claim((TRAIN,), "a process that dies", now, now + timedelta(seconds=10))
    assert dead is not None
    assert await applied.run_jobs() == 0, "its slot is still its own"
    applied.clock.advance(11)
    completed = await to_the_end(applied)
    assert (completed.completed, completed.failed) == (2, 0)
    assert [event.attempt for event in applied.published if isinstance(event, RunStarted)] == [2, 1]


async def test_a_cancelled_sweep_begins_nothing_more_and_ends_when_the_last_has(
    applied: Trainer, worker: FakeWorker
) -> None:
    view = await swept(applied, max_parallel=2)
    await heard(applied)
    now = applied.clock.now()
    begun = await applied.store.claim((TRAIN,), "another replica", now, now + timedelta(seconds=10))
    assert begun is not None
    stopping = await applied.change(sweeping.cancel_sweep, CancelSweep(sweep_id=view.sweep_id, by="bob", reason="no"))
    assert (stopping.state, stopping.training, stopping.cancelled) == ("stopping", 1, 5)
    assert not [event for event in applied.published if isinstance(event, SweepCompleted)]
    applied.clock.advance(11)
    completed = await to_the_end(applied)
    assert (completed.outcome, completed.completed, completed.cancelled) == ("cancelled", 1, 5)
    assert (completed.cancelled_by, completed.reason) == ("bob", "no")
    skips = [event for event in applied.published if isinstance(event, TrainingSkipped)]
    assert [skip.why for skip in skips] == ["cancelled"] * 5
    assert len({skip.trigger.key for skip in skips}) == 5
    slots = await applied.get(SLOTS, "slots")
    assert slots is not None
    assert (slots.held, slots.waiting) == ((), ())
    page = await applied.read(views.list_trainings, views.ListTrainings(sweep=view.sweep_id))
    assert sorted(training.state.value for training in page.items) == ["cancelled"] * 5 + ["completed"]


async def test_a_member_that_is_heard_after_the_cancel_is_skipped(applied: Trainer) -> None:
    view = await swept(applied)
    await applied.change(sweeping.cancel_sweep, CancelSweep(sweep_id=view.sweep_id, by="bob"))
    completed = await to_the_end(applied)
    assert (completed.outcome, completed.cancelled, completed.completed) == ("cancelled", 6, 0)
    skips = [event for event in applied.published if isinstance(event, TrainingSkipped)]
    assert {skip.why for skip in skips} == {"cancelled"}
    assert len(skips) == 6
    assert await applied.run_jobs() == 0


async def test_what_is_over_cannot_be_cancelled(applied: Trainer) -> None:
    view = await swept(applied, Plan(grid={"depth": (3,)}))
    await to_the_end(applied)
    with pytest.raises(SweepOver, match="is completed: there is nothing left to cancel"):
        await applied.change(sweeping.cancel_sweep, CancelSweep(sweep_id=view.sweep_id, by="bob"))


async def test_a_stranger_cannot_add_a_member(applied: Trainer) -> None:
    view = await swept(applied)
    forged = requested("manual", f"{view.sweep_id}/7", sweep=view.sweep_id)
    assert isinstance(await applied.receives(forged), Dead)
    assert await applied.receives(requested(sweep="s-unknown")) == Park("sweep/s-unknown")


async def test_the_quarterly_run_waits_for_one_member_and_not_for_the_sweep(
    applied: Trainer, workflows: WorkflowHandlers
) -> None:
    other = workflow(training=TRAINING)
    definition = other.definition.replace("name: credit", "name: quarterly")
    await applied.change(
        workflows.apply_workflow, type(other)(name="quarterly", definition=definition, files=other.files)
    )
    await swept(applied)
    await heard(applied)
    await applied.receives(requested("schedule", "2026-01-01", workflow="quarterly"))
    assert await applied.run_jobs() == 1
    await heard(applied)
    assert await applied.run_jobs() == 1
    started = [event.workflow for event in applied.published if isinstance(event, RunStarted)]
    assert started == ["credit", "quarterly"]


async def test_a_member_is_no_part_of_its_workflow_s_line(applied: Trainer) -> None:
    """Its own run is not held up by a sweep, nor is it skipped because members train."""
    await swept(applied)
    await heard(applied)
    await applied.receives(requested("drift", "e1"))
    assert not [event for event in applied.published if isinstance(event, TrainingSkipped)]
    page = await applied.read(views.list_trainings, views.ListTrainings())
    assert [training.sweep for training in page.items].count(None) == 1
