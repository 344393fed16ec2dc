"""A trainer to speak to, over the fake store and the real one, with a worker that trains nothing."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from trainer_fakes import FakeEnvironments, FakeWorker, Machine

from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.testing import STORES, Harness, StoreName
from murmur_trainer.app import job_kinds
from murmur_trainer.consumers import SUBSCRIPTIONS
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.jobs import TrainingJobs
from murmur_trainer.repository import KINDS, TrainerUnitOfWork
from murmur_trainer.settings import Settings


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(f"file://{tmp_path}/artifacts")


@pytest.fixture
def workflows(artifacts: ArtifactStore) -> WorkflowHandlers:
    return WorkflowHandlers(artifacts)


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def environments() -> FakeEnvironments:
    return FakeEnvironments()


@pytest.fixture
def trainings(
    artifacts: ArtifactStore, worker: FakeWorker, machine: Machine, environments: FakeEnvironments, tmp_path: Path
) -> TrainingJobs:
    return TrainingJobs(artifacts, worker, tmp_path, environment=machine.environment_json, environments=environments)


@pytest.fixture(params=STORES)
async def trainer(request: pytest.FixtureRequest, trainings: TrainingJobs) -> AsyncIterator[Harness[TrainerUnitOfWork]]:
    """A module whose tests do not let the trainer hear how runs end says how many slots they need: `SLOTS_NEEDED`."""
    store: StoreName = request.param
    async with Harness(
        partial(TrainerUnitOfWork, training_slots=getattr(request.module, "SLOTS_NEEDED", 1)),
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        jobs=job_kinds(trainings, Settings(training_attempts=2)),
        store=store,
        service="trainer",
    ) as harness:
        yield harness
