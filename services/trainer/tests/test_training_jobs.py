"""A training ends in exactly one fact, whatever happens to its worker, and leaves nothing half-done."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from trainer_facts import CODE, requested, workflow
from trainer_fakes import TRAINED, FakeWorker, Machine

from murmur_events.base import Event
from murmur_events.datasets import DatasetRegistered
from murmur_events.runs import RunCompleted, RunFailed, RunLogged, RunStarted
from murmur_events.workflows import Costs
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import LeaseLost, Transient
from murmur_kernel.jobs import Job
from murmur_kernel.testing import Harness
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.jobs import TrainingJobs
from murmur_trainer.reporter import batches
from murmur_trainer.repository import TRAIN, TRAININGS, TrainerUnitOfWork
from murmur_training.messages import Line, Metric, Phase, Progress
from murmur_training.spec import Failed

Trainer = Harness[TrainerUnitOfWork]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = "{seed: 7, parameters: {depth: 3, eta: 0.1}, limits: {time: 5m}}"


@pytest.fixture
async def asked(trainer: Trainer, workflows: WorkflowHandlers) -> Trainer:
    """The trainer with one training in its queue."""
    await trainer.change(workflows.apply_workflow, workflow(training=SETTINGS))
    await trainer.receives(requested(parameters={"depth": 5}))
    trainer.take_published()
    return trainer


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_a_good_run_starts_talks_and_completes_with_everything(
    asked: Trainer, worker: FakeWorker, machine: Machine, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    worker.messages = (
        Phase(name="train"),
        Metric(name="auc", value=0.8, step=9, time=NOW),
        Line(text="round 9"),
        Progress(fraction=0.5),
    )
    await asked.run_jobs()
    started, logged, dataset, completed = asked.published
    assert isinstance(started, RunStarted)
    assert (started.attempt, started.revision, started.parameters) == (1, 1, {"depth": 5, "eta": 0.1})
    assert started.provenance.seed == 7
    assert await artifacts.read_bytes(started.provenance.environment) == machine.environment_json()
    assert isinstance(logged, RunLogged)
    assert (logged.metrics[0].value, logged.lines, logged.progress) == (0.8, ("round 9",), 0.5)
    assert isinstance(dataset, DatasetRegistered)
    assert (dataset.label_rate, dataset.periods) == (0.25, ("2025Q3", "2025Q4"))
    assert isinstance(completed, RunCompleted)
    assert (completed.metrics, completed.provenance, completed.attempt) == ({"auc": 0.8}, started.provenance, 1)
    assert completed.model is not None
    assert completed.model.dataset == completed.dataset == dataset.dataset
    assert await artifacts.read_bytes(completed.model.model) == b"model.ubj"
    assert await artifacts.read_bytes(completed.dataset.holdout) == b"holdout.parquet"
    assert await artifacts.read_bytes(completed.log) == b"a line\n"
    assert list((tmp_path / "trainer").iterdir()) == []


async def test_the_worker_gets_the_code_and_settings_of_the_pinned_revision(
    asked: Trainer, worker: FakeWorker, tmp_path: Path
) -> None:
    worker.held = True
    running = asyncio.create_task(asked.run_jobs())
    await worker.began.wait()
    (spec,) = worker.specs
    assert {path.name: path.read_text() for path in spec.code.iterdir()} == CODE
    assert (spec.parameters, spec.seed, spec.entry) == ({"depth": 5, "eta": 0.1}, 7, "train.py")
    assert spec.as_of == datetime(2025, 1, 1, tzinfo=UTC)
    assert spec.data_dir == tmp_path / "data"
    worker.go_on.set()
    await running


async def test_costs_reach_the_worker_and_its_threshold_and_cut_reach_the_version(
    trainer: Trainer, workflows: WorkflowHandlers, worker: FakeWorker
) -> None:
    costs = "{costs: {false_positive: 5, false_negative: limit}}"
    await trainer.change(workflows.apply_workflow, workflow(validation=costs))
    await trainer.receives(requested())
    worker.results.append(TRAINED.model_copy(update={"threshold": 0.25, "trained_until": "2025Q3"}))
    await trainer.run_jobs()
    (spec,), completed = worker.specs, trainer.published[-1]
    assert spec.costs == Costs(false_positive=5, false_negative="limit")
    assert isinstance(completed, RunCompleted)
    assert completed.model is not None
    assert (completed.model.threshold, completed.model.dataset.trained_until) == (0.25, "2025Q3")


@pytest.mark.parametrize("registers", [True, False])
async def test_a_run_says_whether_its_model_is_for_the_registry(
    trainer: Trainer, workflows: WorkflowHandlers, registers: bool
) -> None:
    await trainer.change(workflows.apply_workflow, workflow(promotion=f"{{register_model: {str(registers).lower()}}}"))
    await trainer.receives(requested())
    await trainer.run_jobs()
    completed = trainer.published[-1]
    assert isinstance(completed, RunCompleted)
    assert completed.model is not None
    assert completed.research is not registers


@pytest.mark.parametrize("cause", ["data_rejected", "code_raised", "out_of_time", "out_of_memory", "output_invalid"])
async def test_a_run_that_cannot_end_well_fails_with_cause_words_and_log(
    asked: Trainer, worker: FakeWorker, artifacts: ArtifactStore, tmp_path: Path, cause: str
) -> None:
    worker.results.append(Failed(cause=cause, message="train.py, line 3: no"))
    await asked.run_jobs()
    assert names(asked.published) == ["RunStarted", "RunFailed"]
    failed = asked.published[-1]
    assert isinstance(failed, RunFailed)
    assert (failed.cause, failed.message, failed.attempt) == (cause, "train.py, line 3: no", 1)
    assert failed.log is not None
    assert await artifacts.read_bytes(failed.log) == b"a line\n"
    assert list((tmp_path / "trainer").iterdir()) == []
    assert await asked.run_jobs() == 0


async def test_code_that_was_changed_in_the_store_fails_the_run(
    asked: Trainer, workflows: WorkflowHandlers, tmp_path: Path
) -> None:
    for bundle in (tmp_path / "artifacts").glob("*/*.zip"):
        bundle.write_bytes(b"other")
    await asked.run_jobs()
    failed = asked.published[-1]
    assert isinstance(failed, RunFailed)
    assert failed.cause == "killed"
    assert "was changed after it was stored" in failed.message


async def test_a_passing_fault_is_tried_again_from_the_start(
    asked: Trainer, worker: FakeWorker, tmp_path: Path
) -> None:
    """For as long as it takes: two attempts is all that a training has here for those that die."""
    worker.results += [Transient("the disk is full")] * 3
    for _ in range(4):
        await asked.run_jobs()
        assert list((tmp_path / "trainer").iterdir()) == []
        asked.clock.advance(60)
    starts = [event.attempt for event in asked.published if isinstance(event, RunStarted)]
    assert starts == [1, 2, 3, 4]
    assert names(asked.published)[-1] == "RunCompleted"


async def test_a_training_whose_workers_all_die_fails(asked: Trainer, worker: FakeWorker) -> None:
    worker.results += [RuntimeError("no more processes"), RuntimeError("no more processes")]
    for _ in range(3):
        await asked.run_jobs()
        asked.clock.advance(60)
    failed = asked.published[-1]
    assert isinstance(failed, RunFailed)
    assert (failed.cause, failed.attempt) == ("killed", 2)
    assert failed.message == "2 workers ended without a result, the last with: no more processes"
    training = await asked.get(TRAININGS, failed.run_id)
    assert training is not None
    assert training.ended


async def crashing(trainer: Trainer, trainings: TrainingJobs, worker: FakeWorker) -> asyncio.Task[None]:
    """An attempt under way in a process that nobody hears of any more: its lease is not extended."""
    now = trainer.clock.now()
    row = await trainer.store.claim((TRAIN,), "a process that dies", now, now + timedelta(seconds=10))
    assert row is not None
    job = Job(row, service="trainer", store=trainer.store, clock=trainer.clock, unit_of_work=TrainerUnitOfWork)
    worker.held = True
    attempt = asyncio.create_task(trainings.train(job))
    await worker.began.wait()
    worker.held = False
    trainer.clock.advance(11)
    return attempt


async def test_a_dead_workers_training_is_taken_over_with_a_higher_attempt(
    asked: Trainer, trainings: TrainingJobs, worker: FakeWorker, tmp_path: Path
) -> None:
    dead = await crashing(asked, trainings, worker)
    await asked.run_jobs()
    starts = [(event.run_id, event.attempt) for event in asked.published if isinstance(event, RunStarted)]
    assert starts == [(starts[0][0], 1), (starts[0][0], 2)]
    completed = asked.published[-1]
    assert isinstance(completed, RunCompleted)
    assert completed.attempt == 2
    assert list((tmp_path / "trainer").iterdir()) == []
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)


async def test_a_worker_that_was_only_slow_changes_nothing_after_its_lease_is_lost(
    asked: Trainer, trainings: TrainingJobs, worker: FakeWorker
) -> None:
    slow = await crashing(asked, trainings, worker)
    await asked.run_jobs()
    before = len(asked.published)
    worker.results.append(Failed(cause="code_raised", message="too late"))
    worker.go_on.set()
    with pytest.raises(LeaseLost):
        await slow
    await asked.run_jobs()
    assert len(asked.published) == before


def test_what_a_worker_says_is_cut_into_events_that_any_broker_takes() -> None:
    points = [Metric(name="auc", value=0.5, step=step, time=NOW) for step in range(450)]
    lines = [Line(text="x" * 2000) for _ in range(60)]
    found = list(batches([*points, *lines, Progress(fraction=0.2), Progress(fraction=0.3)]))
    assert [len(batch.points) for batch in found] == [200, 200, 50, 0, 0]
    assert [len(batch.lines) for batch in found] == [0, 0, 25, 25, 10]
    assert found[-1].progress == 0.3
    assert [point.step for batch in found for point in batch.points] == list(range(450))


def test_nothing_heard_is_nothing_told() -> None:
    assert list(batches([Phase(name="data")])) == []
