"""The long work of the trainer: one training from its start to the one fact that ends it."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from murmur_events.runs import Provenance
from murmur_events.values import Artifact
from murmur_kernel.errors import ArtifactError
from murmur_kernel.jobs import Job
from murmur_kernel.telemetry.tracing import current_traceparent
from murmur_trainer import outcome, overdue
from murmur_trainer.outcome import Attempt
from murmur_trainer.ports import Artifacts, Worker
from murmur_trainer.reporter import Reporter
from murmur_trainer.repository import TrainerUnitOfWork, TrainingDocument, revision_id
from murmur_trainer.workflow_file import unpack
from murmur_training.spec import Failed, Trained, WorkerResult, WorkerSpec


class TrainingJobs:
    """home: the flock's state folder; work folders live in `trainer/`, downloaded data in `data/`.

    environment: JSON of what this process and its workers run on.
    """

    def __init__(self, artifacts: Artifacts, worker: Worker, home: Path, *, environment: Callable[[], bytes]) -> None:
        self._artifacts = artifacts
        self._worker = worker
        self._environment = environment
        self._work = home / "trainer"
        self._data = home / "data"

    async def train(self, job: Job[TrainerUnitOfWork]) -> None:
        """Publishes run.started, then run.logged, and at the end run.completed or run.failed, whatever the code does.

        A later attempt starts anew: what an earlier one left is removed. Raises Transient and LeaseLost: nothing has
        ended then, and a further attempt may follow.
        """
        attempt = await self._begin(job)
        if attempt is None:
            return
        with self._work_folder(attempt.training) as folder:
            result = await self._carry_out(job, attempt, folder)
            await self._end(job, attempt, folder, result)

    async def give_up(self, job: Job[TrainerUnitOfWork], error: str) -> None:
        """The last word on a training whose workers all died: it failed."""
        async with job.unit_of_work(completes=True) as uow:
            training = await uow.trainings.require(job.payload["run_id"])
            if training.ended:
                return
            self._sweep(training.run_id, before=job.attempt)
            message = f"{job.failures} workers ended without a result, the last with: {error}"
            await _fail(uow, training, Failed(cause="killed", message=message), None)

    async def _begin(self, job: Job[TrainerUnitOfWork]) -> Attempt | None:
        environment = await self._artifacts.put_bytes(await asyncio.to_thread(self._environment), suffix=".json")
        async with job.unit_of_work() as uow:
            queued = await uow.trainings.require(job.payload["run_id"])
            if queued.ended:
                return None
            revision = await uow.revisions.require(revision_id(queued.workflow, queued.revision))
            settings = revision.definition.training
            training = queued.running(attempt=job.attempt, at=uow.now)
            attempt = Attempt(
                training=training,
                definition=revision.definition,
                provenance=Provenance(
                    code=revision.code, environment=environment, seed=settings.seed, revision=queued.revision
                ),
                parameters=settings.parameters | queued.parameters,
                started_at=uow.now,
            )
            uow.trainings.save(training)
            uow.resume(training.chain)
            uow.publish(attempt.started())
        return attempt

    async def _carry_out(self, job: Job[TrainerUnitOfWork], attempt: Attempt, folder: Path) -> WorkerResult:
        try:
            unpack(await self._artifacts.read_bytes(attempt.provenance.code), folder / "code")
        except ArtifactError as error:
            return Failed(cause="killed", message=f"the code of revision {attempt.training.revision} is lost: {error}")
        spec = WorkerSpec(
            code=folder / "code",
            work=folder / "work",
            data_dir=self._data,
            as_of=attempt.training.as_of,
            data=attempt.definition.data,
            entry=attempt.definition.training.entry,
            parameters=attempt.parameters,
            seed=attempt.provenance.seed,
            costs=attempt.definition.validation.costs,
        )
        limits = attempt.definition.training.limits
        with job.step("worker"):
            spec = spec.model_copy(update={"traceparent": current_traceparent()})
            return await self._worker(spec, limits, Reporter(job, attempt.training).tell)

    async def _end(self, job: Job[TrainerUnitOfWork], attempt: Attempt, folder: Path, result: WorkerResult) -> None:
        work = folder / "work"
        printed = await outcome.store_log(self._artifacts, work)
        match result:
            case Trained():
                model = await outcome.store_model(self._artifacts, work, result, attempt.training)
                async with job.unit_of_work(completes=True) as uow:
                    training = await uow.trainings.require(attempt.training.run_id)
                    uow.trainings.save(training.completed(at=uow.now))
                    uow.resume(training.chain)
                    await overdue.ended(training.run_id, uow)
                    uow.publish(outcome.registered(result, model.dataset, training.workflow))
                    uow.publish(attempt.completed(result, model, printed, at=uow.now))
            case Failed():
                async with job.unit_of_work(completes=True) as uow:
                    await _fail(uow, await uow.trainings.require(attempt.training.run_id), result, printed)

    @contextmanager
    def _work_folder(self, training: TrainingDocument) -> Iterator[Path]:
        """A fresh folder for one attempt, gone afterwards together with what earlier attempts may have left."""
        self._sweep(training.run_id, before=training.attempt)
        folder = self._folder(training.run_id, training.attempt)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _sweep(self, run_id: str, *, before: int) -> None:
        """Later attempts are left alone: one may be under way while this one learns that it has lost its lease."""
        for attempt in range(1, before):
            shutil.rmtree(self._folder(run_id, attempt), ignore_errors=True)

    def _folder(self, run_id: str, attempt: int) -> Path:
        return self._work / f"{run_id}-{attempt}"


async def _fail(uow: TrainerUnitOfWork, training: TrainingDocument, failure: Failed, printed: Artifact | None) -> None:
    uow.trainings.save(training.failed(failure.cause, failure.message, at=uow.now))
    uow.resume(training.chain)
    await overdue.ended(training.run_id, uow)
    uow.publish(outcome.failed(training, failure, printed, at=uow.now))
