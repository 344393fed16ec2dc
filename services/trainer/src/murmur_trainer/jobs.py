"""The long work of the trainer: one training from its start to the one fact that ends it."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from murmur_events.values import Artifact
from murmur_kernel.errors import ArtifactError
from murmur_kernel.jobs import Job
from murmur_kernel.telemetry.tracing import current_traceparent
from murmur_trainer import outcome, overdue
from murmur_trainer.orders import Orders
from murmur_trainer.outcome import Attempt
from murmur_trainer.ports import Artifacts, Environments, Worker
from murmur_trainer.provenance import provenance_of
from murmur_trainer.repeating import repeated
from murmur_trainer.reporter import Reporter
from murmur_trainer.repository import Revision, TrainerUnitOfWork, TrainingDocument, revision_id
from murmur_training.environment import as_if, read_environment
from murmur_training.spec import THREADS, Failed, Trained, WorkerResult


class TrainingJobs:
    """home: the flock's state folder; work folders live in `trainer/`, downloaded data in `data/`.

    environment: JSON of what this process and its workers run on. environments: builds those of the past.
    """

    def __init__(
        self,
        artifacts: Artifacts,
        worker: Worker,
        home: Path,
        *,
        environment: Callable[[], bytes],
        environments: Environments,
    ) -> None:
        self._artifacts = artifacts
        self._worker = worker
        self._orders = Orders(artifacts, environments, data_dir=home / "data")
        self._environment = environment
        self._work = home / "trainer"

    async def train(self, job: Job[TrainerUnitOfWork]) -> None:
        """Publishes run.started, then run.logged, and at the end run.completed or run.failed, whatever the code does.

        A later attempt starts anew: what an earlier one left is removed. Raises Transient and LeaseLost: nothing has
        ended then, and a further attempt may follow.
        """
        try:
            attempt = await self._begin(job)
        except ArtifactError as error:
            await self._cannot_begin(job, f"what is to be repeated is lost: {error}")
            return
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

    async def _cannot_begin(self, job: Job[TrainerUnitOfWork], why: str) -> None:
        async with job.unit_of_work(completes=True) as uow:
            training = await uow.trainings.require(job.payload["run_id"])
            await _fail(uow, training, Failed(cause="killed", message=why), None)

    async def _begin(self, job: Job[TrainerUnitOfWork]) -> Attempt | None:
        """Raises ArtifactError where the run to repeat has lost its environment."""
        present = await asyncio.to_thread(self._environment)
        async with job.unit_of_work() as uow:
            queued = await uow.trainings.require(job.payload["run_id"])
            if queued.ended:
                return None
            revision = await uow.revisions.require(revision_id(queued.workflow, queued.revision))
            training = queued.running(attempt=job.attempt, at=uow.now)
            attempt = await self._attempt(training, revision, present, uow)
            uow.trainings.save(training)
            uow.resume(training.chain)
            uow.publish(attempt.started())
        return attempt

    async def _attempt(
        self, training: TrainingDocument, revision: Revision, present: bytes, uow: TrainerUnitOfWork
    ) -> Attempt:
        settings = revision.definition.training
        seed, threads, text, repeats = settings.seed, THREADS, present, None
        if (repeat := training.reproduces) is not None:
            repeats = await repeated(repeat, await uow.records.require(repeat.run_id), self._artifacts)
            seed, threads = repeat.seed, repeat.threads or THREADS
            if repeats.mode == "fresh":
                text = as_if(present, repeats.environment_json)
        kept = await self._artifacts.put_bytes(text, suffix=".json")
        environment = read_environment(text)
        return Attempt(
            training=training,
            definition=revision.definition,
            provenance=provenance_of(revision, environment, kept, seed=seed, threads=threads),
            environment=environment,
            threads=threads,
            parameters=settings.parameters | training.parameters,
            started_at=uow.now,
            repeats=repeats,
        )

    async def _carry_out(self, job: Job[TrainerUnitOfWork], attempt: Attempt, folder: Path) -> WorkerResult:
        orders = await self._orders.of(attempt, folder)
        if isinstance(orders, Failed):
            return orders
        with job.step("worker"):
            spec = orders.model_copy(update={"traceparent": current_traceparent()})
            return await self._worker(spec, attempt.definition.training.limits, Reporter(job, attempt.training).tell)

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
                    uow.records.save(attempt.record(result, model))
                    if attempt.repeats is None:  # else the snapshot is one that is registered
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
