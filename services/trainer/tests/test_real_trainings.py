"""Trainings as they are: people's code in a process of its own, real data, real XGBoost."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import xgboost
from trainer_facts import requested
from trainer_fakes import FILES, FakeEnvironments, FakeWorker

from murmur_events.base import Event
from murmur_events.runs import RunCompleted, RunFailed, RunLogged
from murmur_events.workflows import Limits, WorkflowDefinition
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.testing import Harness
from murmur_trainer.app import job_kinds
from murmur_trainer.consumers import SUBSCRIPTIONS
from murmur_trainer.handlers import ApplyWorkflow, WorkflowHandlers
from murmur_trainer.jobs import TrainingJobs
from murmur_trainer.ports import Worker
from murmur_trainer.repository import KINDS, TrainerUnitOfWork
from murmur_trainer.settings import Settings
from murmur_training.environment import environment_json
from murmur_training.messages import Message, Progress
from murmur_training.process import run_worker
from murmur_training.spec import Trained, WorkerSpec

DEFINITION = """\
name: credit
data:
  target: benign
  features: [radius, texture]
  identity: patient
  period: quarter
training:
  parameters: {rounds: 20}
  limits: {time: 10m}
"""
DATA = """\
from sklearn.datasets import load_breast_cancer

def load(as_of, context):
    table = load_breast_cancer(as_frame=True).frame
    return table.rename(
        columns={"mean radius": "radius", "mean texture": "texture", "target": "benign"}
    ).assign(patient=range(len(table)), quarter=["2004Q3" if row % 2 else "2004Q4" for row in range(len(table))])
"""
SMALL_DATA = """\
import pandas

def load(as_of, context):
    rows = range(400)
    return pandas.DataFrame(
        {"radius": rows, "texture": 1, "benign": [row % 2 for row in rows], "patient": rows, "quarter": "2004Q4"}
    )
"""
TRAIN = """\
import xgboost

def train(context):
    rounds = context.parameters["rounds"]
    print("so many rounds:", rounds)
    settings = {"objective": "binary:logistic", "eval_metric": "auc", "seed": context.seed}
    fit, check = context.train.split()
    return xgboost.train(
        settings, fit.matrix(), rounds, evals=[(check.matrix(), "check")], verbose_eval=False,
        callbacks=[context.curves(rounds)],
    )
"""
FILES_OF_IT = {"data.py": DATA, "train.py": TRAIN}


@pytest.fixture
async def trainer(artifacts: ArtifactStore, tmp_path: Path) -> AsyncIterator[Harness[TrainerUnitOfWork]]:
    trainings = TrainingJobs(
        artifacts, run_worker, tmp_path, environment=environment_json, environments=FakeEnvironments()
    )
    async with Harness(
        TrainerUnitOfWork,
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        jobs=job_kinds(trainings, Settings()),
        store="sqlite",
        service="trainer",
    ) as harness:
        yield harness


async def ending_of(
    trainer: Harness[TrainerUnitOfWork],
    workflows: WorkflowHandlers,
    *,
    definition: str = DEFINITION,
    files: dict[str, str] = FILES_OF_IT,
) -> Event:
    command = ApplyWorkflow(name="credit", definition=definition, files=files)
    await trainer.change(workflows.apply_workflow, command)
    await trainer.receives(requested())
    await trainer.run_jobs()
    return trainer.published[-1]


async def test_a_real_training_ends_in_a_model_that_predicts_what_its_probe_says(
    trainer: Harness[TrainerUnitOfWork], workflows: WorkflowHandlers, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    completed = await ending_of(trainer, workflows)
    assert isinstance(completed, RunCompleted), completed
    assert completed.metrics["train_auc"] > 0.95
    assert completed.dataset.train_rows + completed.dataset.holdout_rows == 569
    assert completed.model is not None
    model = xgboost.Booster(model_file=await artifacts.fetch(completed.model.model, tmp_path / "model.ubj"))
    probe = json.loads(await artifacts.read_bytes(completed.model.probe))
    columns = [tensor["data"] for tensor in probe["request"]["inputs"]]
    names = [tensor["name"] for tensor in probe["request"]["inputs"]]
    rows = xgboost.DMatrix(list(zip(*columns, strict=True)), feature_names=names)
    assert model.predict(rows).tolist() == pytest.approx(probe["outputs"])
    logged = [event for event in trainer.published if isinstance(event, RunLogged)]
    assert [line for event in logged for line in event.lines] == ["so many rounds: 20"]
    assert logged[-1].progress == 1.0
    assert b"so many rounds: 20" in await artifacts.read_bytes(completed.log)
    assert list((tmp_path / "trainer").iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "cause", "said"),
    [
        ({"train.py": "def train(context):\n    return 1 / 0\n"}, "code_raised", "train.py, line 2, in train"),
        ({"data.py": SMALL_DATA.replace("radius", "size")}, "data_rejected", "missing columns 'radius'"),
    ],
    ids=["raises", "lacks a column"],
)
async def test_a_recipe_that_goes_wrong_fails_its_run_with_the_reason(
    trainer: Harness[TrainerUnitOfWork],
    workflows: WorkflowHandlers,
    tmp_path: Path,
    changed: dict[str, str],
    cause: str,
    said: str,
) -> None:
    failed = await ending_of(trainer, workflows, files=FILES_OF_IT | {"data.py": SMALL_DATA} | changed)
    assert isinstance(failed, RunFailed)
    assert failed.cause == cause
    assert said in failed.message
    assert list((tmp_path / "trainer").iterdir()) == []


def works(process: psutil.Process) -> bool:
    """Whether it is a living worker: one that has ended and was not waited for yet is none."""
    try:
        return "murmur_training.worker" in process.cmdline()
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return False


async def test_an_endless_recipe_is_ended_at_its_limit_and_leaves_no_process(
    trainer: Harness[TrainerUnitOfWork], workflows: WorkflowHandlers, tmp_path: Path
) -> None:
    failed = await ending_of(
        trainer,
        workflows,
        definition=DEFINITION.replace("10m", "2s"),
        files={**FILES_OF_IT, "data.py": "def load(as_of, context):\n    while True:\n        pass\n"},
    )
    assert isinstance(failed, RunFailed)
    assert failed.cause == "out_of_time"
    assert failed.ended_at >= failed.started_at
    assert not [child for child in psutil.Process().children() if works(child)]
    assert list((tmp_path / "trainer").iterdir()) == []


class TestWorkers:
    """What the trainer relies on, of the real worker and of the fake one."""

    @pytest.fixture(params=["fake", "real"])
    def worker(self, request: pytest.FixtureRequest) -> Worker:
        return FakeWorker() if request.param == "fake" else run_worker

    @pytest.fixture
    def spec(self, tmp_path: Path) -> WorkerSpec:
        (tmp_path / "code").mkdir()
        for name, text in {"data.py": SMALL_DATA, "train.py": TRAIN}.items():
            (tmp_path / "code" / name).write_text(text)
        definition = WorkflowDefinition.model_validate(
            {
                "name": "credit",
                "data": {
                    "target": "benign",
                    "features": ["radius", "texture"],
                    "identity": "patient",
                    "period": "quarter",
                },
            }
        )
        return WorkerSpec(
            code=tmp_path / "code",
            work=tmp_path / "work",
            data_dir=tmp_path / "data",
            as_of=datetime(2025, 1, 1, tzinfo=UTC),
            data=definition.data,
            parameters={"rounds": 5},
        )

    async def test_one_that_trained_leaves_every_file_and_has_told_all(self, worker: Worker, spec: WorkerSpec) -> None:
        heard: list[Message] = []
        if isinstance(worker, FakeWorker):
            worker.messages = (_progress(),)

        async def hear(messages: tuple[Message, ...]) -> None:
            heard.extend(messages)

        assert isinstance(await worker(spec, Limits(), hear), Trained)
        assert [name for name in (*FILES, "worker.log") if not (spec.work / name).is_file()] == []
        assert heard

    async def test_what_listening_raises_ends_the_training(self, worker: Worker, spec: WorkerSpec) -> None:
        if isinstance(worker, FakeWorker):
            worker.messages = (_progress(),)

        async def lose(messages: tuple[Message, ...]) -> None:
            raise LookupError("the lease is lost")

        with pytest.raises(LookupError):
            await worker(spec, Limits(), lose)


def _progress() -> Message:
    return Progress(fraction=0.5)
