"""A training that does not end in time is told to people, and told again when it ends after all."""

import pytest
from trainer_facts import requested, workflow
from trainer_fakes import FakeWorker

from murmur_events.troubles import TroubleReported
from murmur_kernel.documents import Query
from murmur_kernel.errors import Transient
from murmur_kernel.testing import Harness
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.repository import TRAININGS, TrainerUnitOfWork

Trainer = Harness[TrainerUnitOfWork]


def told(trainer: Trainer) -> list[str]:
    return [event.state for event in trainer.take_published() if isinstance(event, TroubleReported)]


@pytest.fixture
async def asked(trainer: Trainer, workflows: WorkflowHandlers) -> Trainer:
    await trainer.change(workflows.apply_workflow, workflow(training="{limits: {time: 1m}}"))
    await trainer.receives(requested())
    return trainer


async def test_a_training_that_does_not_end_is_a_trouble_and_its_late_end_resolves_it(
    asked: Trainer, worker: FakeWorker
) -> None:
    worker.results.append(Transient("the artifact store is away"))
    await asked.run_jobs()
    assert told(asked) == []
    await asked.store.disown("harness")
    asked.clock.advance(11 * 60 + 1)
    worker.results.append(Transient("still away"))
    await asked.run_jobs()
    (training,) = [TRAININGS.load(document.body) for document in (await asked.store.find("training", Query())).items]
    assert training.overdue
    assert told(asked) == ["began"]
    asked.clock.advance(60)
    await asked.run_jobs()
    assert told(asked) == ["ended"]


async def test_a_training_that_ends_in_time_is_none(asked: Trainer) -> None:
    await asked.run_jobs()
    asked.clock.advance(3600)
    await asked.run_jobs()
    assert told(asked) == []
