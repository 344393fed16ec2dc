"""Runs repeated as they are: in a process of their own, by real XGBoost, on rows that are not loaded again."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from trainer_facts import requested
from trainer_fakes import FakeEnvironments

from murmur_events.runs import RunCompleted
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.testing import Harness
from murmur_trainer.app import job_kinds
from murmur_trainer.consumers import SUBSCRIPTIONS
from murmur_trainer.handlers import ApplyWorkflow, WorkflowHandlers
from murmur_trainer.jobs import TrainingJobs
from murmur_trainer.repository import KINDS, TrainerUnitOfWork
from murmur_trainer.reproducing import AskForReproduction, ReproductionHandlers
from murmur_trainer.settings import Settings
from murmur_training.environment import environment_json
from murmur_training.process import run_worker

Trainer = Harness[TrainerUnitOfWork]

DEFINITION = """\
name: credit
data: {target: late, features: [amount, age, branch], categories: [branch], identity: customer, period: quarter}
training:
  seed: 7
  parameters: {rounds: 20, subsample: 0.7}
"""
DATA = """\
import numpy as np
import pandas as pd

def load(as_of, context):
    # Another table at every call, as of a source that goes on; and numbers drawn from the generator that train() uses.
    calls = context.data_dir / "calls"
    seen = int(calls.read_text()) if calls.exists() else 0
    calls.write_text(str(seen + 1))
    draws = np.random.default_rng(seen)
    n = 600 + int(np.random.random() * 0) + seen
    amount = draws.normal(size=n)
    return pd.DataFrame({
        "customer": np.arange(n), "quarter": [9 if row % 3 else 10 for row in range(n)], "amount": amount,
        "age": draws.integers(20, 70, n), "branch": draws.integers(0, 3, n),
        "late": (amount + draws.normal(size=n) > 0.5).astype(int),
    })
"""
TRAIN = """\
import numpy as np
import xgboost

def train(context):
    settings = {
        "objective": "binary:logistic", "seed": context.seed, "subsample": context.parameters["subsample"],
        "eta": 0.1 + 0.2 * np.random.random(),
    }
    return xgboost.train(settings, context.train.matrix(), context.parameters["rounds"])
"""


@pytest.fixture
async def trainer(artifacts: ArtifactStore, tmp_path: Path) -> AsyncIterator[Trainer]:
    trainings = TrainingJobs(
        artifacts, run_worker, tmp_path, environment=environment_json, environments=FakeEnvironments()
    )
    async with Harness(
        partial(TrainerUnitOfWork, training_slots=4),
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        jobs=job_kinds(trainings, Settings()),
        store="sqlite",
        service="trainer",
    ) as harness:
        yield harness


@pytest.fixture
async def first(trainer: Trainer, workflows: WorkflowHandlers) -> RunCompleted:
    command = ApplyWorkflow(name="credit", definition=DEFINITION, files={"data.py": DATA, "train.py": TRAIN})
    await trainer.change(workflows.apply_workflow, command)
    await trainer.receives(requested())
    return await completed(trainer)


async def completed(trainer: Trainer) -> RunCompleted:
    await trainer.run_jobs()
    event = trainer.published[-1]
    assert isinstance(event, RunCompleted), event
    return event


async def reproduced(trainer: Trainer, artifacts: ArtifactStore, first: RunCompleted, **more: int) -> RunCompleted:
    handlers = ReproductionHandlers(artifacts, environment=environment_json)
    await trainer.change(handlers.ask_for_reproduction, AskForReproduction(run_id=first.run_id, by="ann", **more))
    await trainer.receives(trainer.published[-1])
    return await completed(trainer)


async def test_the_same_bytes_come_out_though_the_source_has_gone_on(
    trainer: Trainer, first: RunCompleted, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    again = await reproduced(trainer, artifacts, first)
    assert again.reproduction is not None
    assert (again.reproduction.verdict, again.reproduction.metrics, again.reproduction.differences) == (
        "identical",
        (),
        (),
    )
    assert (again.model, again.dataset, again.metrics) == (first.model, first.dataset, first.metrics)
    assert (tmp_path / "data" / "calls").read_text() == "1"


async def test_a_training_of_the_source_as_it_is_now_is_another_one(trainer: Trainer, first: RunCompleted) -> None:
    """The control of the test above: what is not pinned does differ."""
    await trainer.receives(first)
    await trainer.receives(requested(key="again"))
    other = await completed(trainer)
    assert other.dataset.digest != first.dataset.digest
    assert other.model != first.model


async def test_another_seed_comes_out_differently_and_the_metrics_say_by_how_much(
    trainer: Trainer, first: RunCompleted, artifacts: ArtifactStore
) -> None:
    other = await reproduced(trainer, artifacts, first, seed=8)
    found = other.reproduction
    assert found is not None
    assert found.verdict == "different"
    assert found.original_sha256 != found.reproduced_sha256
    by_name = {metric.name: metric for metric in found.metrics}
    loss = by_name["train_log_loss"]
    assert loss.difference == other.metrics["train_log_loss"] - first.metrics["train_log_loss"]
    assert "train_rows" not in by_name
    assert [(each.what, each.original, each.reproduced) for each in found.differences] == [("seed", "7", "8")]
