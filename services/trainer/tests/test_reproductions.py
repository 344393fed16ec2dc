"""A completed run is repeated from what was kept of it, or refused before anything is started."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from trainer_facts import drift, requested, workflow
from trainer_fakes import TRAINED, FakeEnvironments, FakeWorker, Machine

from murmur_events.base import Event
from murmur_events.datasets import DatasetRegistered
from murmur_events.runs import RunCompleted, RunFailed, RunStarted
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_events.values import Artifact
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import Missing
from murmur_kernel.testing import Harness
from murmur_trainer.freezing import ChangeFreeze, freeze
from murmur_trainer.handlers import WorkflowHandlers
from murmur_trainer.ports import EnvironmentUnavailable
from murmur_trainer.repository import TrainerUnitOfWork
from murmur_trainer.reproducing import AskForReproduction, NotReproducible, ReproductionHandlers
from murmur_training.spec import Failed

Trainer = Harness[TrainerUnitOfWork]
SETTINGS = "{seed: 7, parameters: {depth: 3, eta: 0.1}}"

SLOTS_NEEDED = 4


@pytest.fixture
def reproductions(artifacts: ArtifactStore, machine: Machine) -> ReproductionHandlers:
    return ReproductionHandlers(artifacts, environment=machine.environment_json)


@pytest.fixture
async def first(trainer: Trainer, workflows: WorkflowHandlers) -> RunCompleted:
    """A completed run, of a workflow that has a newer revision since."""
    await trainer.change(workflows.apply_workflow, workflow(training=SETTINGS, monitoring="{retrain: on_drift}"))
    await trainer.receives(requested(parameters={"depth": 5}))
    await trainer.run_jobs()
    completed = trainer.published[-1]
    assert isinstance(completed, RunCompleted)
    await trainer.receives(completed)
    newer = workflow(training="{seed: 1, parameters: {depth: 9}}", monitoring="{retrain: on_drift}")
    await trainer.change(workflows.apply_workflow, replace(newer, files={**newer.files, "notes.txt": "new"}))
    trainer.take_published()
    return completed


def wish(first: RunCompleted, **more: Any) -> AskForReproduction:
    return AskForReproduction(**{"run_id": first.run_id, "by": "ann", "key": "k", **more})


async def asked(trainer: Trainer, reproductions: ReproductionHandlers, command: AskForReproduction) -> Event:
    """The last fact of the reproduction."""
    await trainer.change(reproductions.ask_for_reproduction, command)
    request = trainer.published[-1]
    assert isinstance(request, TrainingRequested)
    await trainer.receives(request)
    await trainer.run_jobs()
    return trainer.published[-1]


def said(trainer: Trainer) -> list[str]:
    return [type(event).__name__ for event in trainer.published]


async def test_a_run_records_what_it_is_made_of_and_on(first: RunCompleted) -> None:
    made = first.provenance
    assert made.lock is not None
    assert (made.interpreter, made.platform) == ("CPython 3.11.7", "Linux-6")
    assert made.hardware is not None
    assert made.hardware.model_dump() == {
        "processor": "abacus",
        "machine": "x86_64",
        "cores": 2,
        "memory": 2**33,
        "threads": 2,
    }


async def test_the_request_pins_everything_of_the_first_run(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers
) -> None:
    answer = await trainer.change(reproductions.ask_for_reproduction, wish(first, reason="is it so?"))
    (request,) = trainer.published
    assert isinstance(request, TrainingRequested)
    assert (request.trigger.kind, request.trigger.key) == ("reproduction", f"{first.run_id}/k")
    assert (request.trigger.reason, request.trigger.by) == (f"reproduction of {first.run_id}: is it so?", "ann")
    assert (request.revision, request.as_of, request.parameters) == (1, first.as_of, {"depth": 5, "eta": 0.1})
    assert request.reproduces is not None
    assert request.reproduces.code == first.provenance.code
    assert request.reproduces.dataset == first.dataset
    assert (request.reproduces.seed, request.reproduces.threads) == (7, 2)
    assert (answer.of, answer.seed, answer.differences) == (first.run_id, 7, ())


async def test_the_worker_gets_the_rows_that_were_kept_and_the_same_orders(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, worker: FakeWorker
) -> None:
    await asked(trainer, reproductions, wish(first))
    one, two = worker.specs
    assert two.snapshot is not None
    assert (two.snapshot.digest, two.snapshot.periods) == (first.dataset.digest, TRAINED.periods)
    assert two.snapshot.signature == TRAINED.signature
    assert (two.seed, two.threads, two.parameters, two.as_of) == (one.seed, one.threads, one.parameters, one.as_of)
    assert two.interpreter is None


async def test_the_new_run_ends_with_a_verdict_and_its_data_is_not_registered_again(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers
) -> None:
    completed = await asked(trainer, reproductions, wish(first))
    assert said(trainer) == ["TrainingRequested", "RunStarted", "RunCompleted"]
    assert isinstance(completed, RunCompleted)
    assert completed.reproduction is not None
    assert completed.reproduction.model_dump() == {
        "of": first.run_id,
        "verdict": "identical",
        "original_sha256": first.model.model.sha256 if first.model else "",
        "reproduced_sha256": completed.model.model.sha256 if completed.model else "",
        "metrics": (),
        "differences": (),
    }
    assert not [event for event in trainer.published if isinstance(event, DatasetRegistered)]
    assert first.reproduction is None


async def test_another_seed_is_given_to_the_worker_and_named_in_the_verdict(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, worker: FakeWorker
) -> None:
    completed = await asked(trainer, reproductions, wish(first, seed=8))
    assert worker.specs[-1].seed == 8
    assert isinstance(completed, RunCompleted)
    assert completed.provenance.seed == 8
    assert completed.reproduction is not None
    (difference,) = completed.reproduction.differences
    assert (difference.what, difference.original, difference.reproduced) == ("seed", "7", "8")


async def test_a_reproduction_can_be_repeated_itself(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers
) -> None:
    second = await asked(trainer, reproductions, wish(first))
    assert isinstance(second, RunCompleted)
    third = await asked(trainer, reproductions, wish(second))
    assert isinstance(third, RunCompleted)
    assert third.reproduction is not None
    assert third.reproduction.of == second.run_id


def file_of(artifact: Artifact) -> Path:
    return Path(artifact.uri.removeprefix("file://"))


@pytest.mark.parametrize("harm", ["gone", "changed"])
@pytest.mark.parametrize("what", ["code", "environment", "train rows", "holdout rows"])
async def test_what_is_gone_or_changed_is_named_before_anything_is_started(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, what: str, harm: str
) -> None:
    path = file_of(
        {
            "code": first.provenance.code,
            "environment": first.provenance.environment,
            "train rows": first.dataset.train,
            "holdout rows": first.dataset.holdout,
        }[what]
    )
    path.chmod(0o644)
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(b"other")
    said_of_it = "not in the store" if harm == "gone" else "was changed after it was stored"
    with pytest.raises(NotReproducible, match=f"the {what} of run .*{said_of_it}"):
        await trainer.change(reproductions.ask_for_reproduction, wish(first))
    assert trainer.published == []


async def test_another_environment_is_refused_with_the_packages_that_differ(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, machine: Machine
) -> None:
    machine.packages = {"numpy": "2.5.0", "scipy": "1.17.0"}
    with pytest.raises(NotReproducible) as refused:
        await trainer.change(reproductions.ask_for_reproduction, wish(first))
    assert "numpy 2.4.6 -> 2.5.0, scipy absent -> 1.17.0, xgboost-cpu 3.2.0 -> absent" in str(refused.value)
    assert [each.name for each in refused.value.differences] == ["numpy", "scipy", "xgboost-cpu"]
    assert trainer.published == []


async def test_another_interpreter_is_another_environment(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, machine: Machine
) -> None:
    machine.python = "3.12.1"
    with pytest.raises(NotReproducible, match=r"interpreter CPython 3\.11\.7 -> CPython 3\.12\.1"):
        await trainer.change(reproductions.ask_for_reproduction, wish(first))


async def test_the_present_environment_is_taken_where_that_is_asked_for_and_the_verdict_says_so(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, machine: Machine
) -> None:
    machine.packages = {**machine.packages, "numpy": "2.5.0"}
    completed = await asked(trainer, reproductions, wish(first, environment="present"))
    assert isinstance(completed, RunCompleted)
    assert completed.reproduction is not None
    assert completed.reproduction.verdict == "identical"
    (difference,) = completed.reproduction.differences
    assert difference.model_dump() == {
        "what": "environment",
        "name": "numpy",
        "original": "2.4.6",
        "reproduced": "2.5.0",
    }
    assert completed.provenance.lock != first.provenance.lock


async def test_an_environment_that_changes_before_the_training_begins_fails_it(
    trainer: Trainer,
    first: RunCompleted,
    reproductions: ReproductionHandlers,
    machine: Machine,
    worker: FakeWorker,
) -> None:
    await trainer.change(reproductions.ask_for_reproduction, wish(first))
    machine.packages = {}
    await trainer.receives(trainer.published[-1])
    await trainer.run_jobs()
    failed = trainer.published[-1]
    assert isinstance(failed, RunFailed)
    assert failed.cause == "environment_unavailable"
    assert "numpy 2.4.6 -> absent" in failed.message
    assert len(worker.specs) == 1


async def test_a_fresh_environment_is_that_of_the_run_and_its_python_does_the_work(
    trainer: Trainer,
    first: RunCompleted,
    reproductions: ReproductionHandlers,
    machine: Machine,
    worker: FakeWorker,
    environments: FakeEnvironments,
    artifacts: ArtifactStore,
) -> None:
    machine.packages = {"numpy": "3.0"}
    completed = await asked(trainer, reproductions, wish(first, environment="fresh"))
    assert isinstance(completed, RunCompleted)
    assert completed.reproduction is not None
    assert completed.reproduction.differences == ()
    assert completed.provenance.lock == first.provenance.lock == environments.wanted[0].lock
    kept = json.loads(await artifacts.read_bytes(completed.provenance.environment))
    assert kept["distributions"] == {"numpy": "2.4.6", "xgboost-cpu": "3.2.0"}
    assert worker.specs[-1].interpreter == environments.python


async def test_a_fresh_environment_that_cannot_be_built_fails_the_run_with_the_reason(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, environments: FakeEnvironments
) -> None:
    environments.error = EnvironmentUnavailable("numpy==2.4.6 is in no registry")
    failed = await asked(trainer, reproductions, wish(first, environment="fresh"))
    assert isinstance(failed, RunFailed)
    assert (failed.cause, failed.message) == ("environment_unavailable", "numpy==2.4.6 is in no registry")


@pytest.mark.parametrize("lost", ["environment", "train"])
async def test_what_is_lost_before_the_training_begins_fails_it_with_its_name(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, lost: str, machine: Machine
) -> None:
    await trainer.change(reproductions.ask_for_reproduction, wish(first))
    machine.python = "3.11.8"  # else the same bytes are put back as the environment of the new run
    artifact = first.provenance.environment if lost == "environment" else first.dataset.train
    file_of(artifact).unlink()
    await trainer.receives(trainer.published[-1])
    await trainer.run_jobs()
    failed = trainer.published[-1]
    assert isinstance(failed, RunFailed)
    assert failed.cause == "killed"
    assert "what is to be repeated is lost" in failed.message


async def test_a_run_that_did_not_complete_cannot_be_repeated(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, worker: FakeWorker
) -> None:
    worker.results.append(Failed(cause="code_raised", message="no"))
    await trainer.receives(requested(key="k2"))
    await trainer.run_jobs()
    failed = trainer.published[-1]
    assert isinstance(failed, RunFailed)
    with pytest.raises(NotReproducible, match="is failed: only a completed run"):
        await trainer.change(reproductions.ask_for_reproduction, wish(first, run_id=failed.run_id))
    with pytest.raises(Missing, match="no training 'r-unknown'"):
        await trainer.change(reproductions.ask_for_reproduction, wish(first, run_id="r-unknown"))


async def test_the_same_wish_twice_is_one_run_and_another_key_another(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers, worker: FakeWorker
) -> None:
    await asked(trainer, reproductions, wish(first))
    again = await asked(trainer, reproductions, wish(first))
    assert isinstance(again, TrainingSkipped)
    assert again.why == "already_trained"
    assert isinstance(await asked(trainer, reproductions, wish(first, key="k2")), RunCompleted)
    assert len(worker.specs) == 3


@pytest.mark.parametrize("changed", ["code", "data", "revision", "run", "nothing pinned"])
async def test_a_client_that_pins_what_the_run_was_not_made_of_gets_nothing_run(
    trainer: Trainer,
    first: RunCompleted,
    reproductions: ReproductionHandlers,
    artifacts: ArtifactStore,
    worker: FakeWorker,
    changed: str,
) -> None:
    """Else whoever may ask for a training could have any code run."""
    await trainer.change(reproductions.ask_for_reproduction, wish(first))
    request = trainer.published[-1]
    assert isinstance(request, TrainingRequested)
    assert request.reproduces is not None
    evil = await artifacts.put_bytes(b"other code", suffix=".zip")
    pinned: dict[str, Any] = {
        "code": {"reproduces": request.reproduces.model_copy(update={"code": evil})},
        "data": {
            "reproduces": request.reproduces.model_copy(
                update={"dataset": first.dataset.model_copy(update={"digest": "e" * 64})}
            )
        },
        "revision": {"revision": 2},
        "run": {"reproduces": request.reproduces.model_copy(update={"run_id": "r-unknown"})},
        "nothing pinned": {"reproduces": None},
    }[changed]
    await trainer.receives(request.model_copy(update=pinned))
    await trainer.run_jobs()
    skipped = trainer.published[-1]
    assert isinstance(skipped, TrainingSkipped)
    assert skipped.why == "not_reproducible"
    assert len(worker.specs) == 1


async def test_a_reproduction_stands_in_nobodys_way(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers
) -> None:
    """Its model replaces none, so that drift must not be skipped because of it."""
    await trainer.change(reproductions.ask_for_reproduction, wish(first))
    await trainer.receives(trainer.published[-1])
    await trainer.receives(drift())
    retraining = trainer.published[-1]
    assert isinstance(retraining, TrainingRequested), retraining
    await trainer.receives(retraining)
    await trainer.run_jobs()
    assert len([event for event in trainer.published if isinstance(event, RunStarted)]) == 2


async def test_a_freeze_of_retraining_does_not_hold_it(
    trainer: Trainer, first: RunCompleted, reproductions: ReproductionHandlers
) -> None:
    await trainer.change(freeze, ChangeFreeze(what="retraining", workflow=None, by="ann", reason="holidays"))
    assert isinstance(await asked(trainer, reproductions, wish(first, by="")), RunCompleted)
