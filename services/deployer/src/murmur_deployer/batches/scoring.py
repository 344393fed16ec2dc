"""The job that scores a batch: it begins, goes on from the newest chunk that is recorded, and ends in a fact."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial

import structlog

from murmur_deployer.batches.chunks import ChunkScorer, Manners, Scored
from murmur_deployer.batches.errors import BatchRefused, InputGone, InputUnusable, NotServing, UnknownDeployment
from murmur_deployer.batches.facts import artifact_of, completed, failed, stored
from murmur_deployer.batches.ports import ArtifactFiles, Matrix, Scorer
from murmur_deployer.batches.rows import InputFile
from murmur_deployer.batches.spool import Spool
from murmur_deployer.domain.batch import Batch, BatchFailureCause, Pin
from murmur_deployer.domain.batch_input import difference
from murmur_deployer.domain.batch_target import replica_for, replica_pinned, why_none
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.repository import DeployerUnitOfWork, release_id
from murmur_events.values import Signature
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing
from murmur_kernel.jobs import Job

log = structlog.get_logger()

_SUFFIX = ".parquet"
_LEAST_SECONDS = 5.0
"""For one request, where the deployment's own clients are less patient: nobody waits for a batch's single answers."""


@dataclass(frozen=True)
class _Plan:
    """What stays the same for all chunks."""

    columns: tuple[str, ...]
    output: str

    @classmethod
    def of(cls, signature: Signature) -> "_Plan":
        return cls(tuple(column.name for column in signature.inputs), signature.output)


class Scoring:
    """A chunk that is recorded is never scored again; one that a killed worker had begun is, with the same request ids.

    chunk_rows: of batches that begin from now on.
    """

    def __init__(
        self, scorer: Scorer, artifacts: ArtifactFiles, spool: Spool, *, chunk_rows: int, manners: Manners
    ) -> None:
        self._scorer = scorer
        self._artifacts = artifacts
        self._spool = spool
        self._chunk_rows = chunk_rows
        self._manners = manners

    async def run(self, job: Job[DeployerUnitOfWork]) -> None:
        """Ends in batch.completed or batch.failed; raises Transient to be called again."""
        name = job.payload["batch"]
        await self._tidy(job)
        async with job.unit_of_work() as uow:
            batch = await uow.batches.require(name)
        if batch.ended:
            return
        try:
            batch, plan = await self._begin(job, batch)
            with job.step("score", rows=batch.progress.rows if batch.progress else 0):
                batch = await self._score(job, batch, plan)
            await self._complete(job, batch)
        except BatchRefused as refused:
            await self._fail(job, name, refused.cause, refused.message)
        await asyncio.to_thread(self._spool.remove, name)

    async def exhausted(self, job: Job[DeployerUnitOfWork], error: str) -> None:
        """Every attempt failed or died: the request still ends in a fact."""
        name = job.payload["batch"]
        await self._fail(job, name, "gave_up", f"{job.failures} attempts failed, the last: {error}")
        await asyncio.to_thread(self._spool.remove, name)

    async def _begin(self, job: Job[DeployerUnitOfWork], batch: Batch) -> tuple[Batch, _Plan]:
        """Pinned to a version, with its input here; or as far as it had come, if its parts are still here."""
        async with job.unit_of_work() as uow:
            await _pinned(batch, uow)  # what cannot be scored is not fetched
        await self._fetch(batch)
        async with job.unit_of_work() as uow:
            pin, signature = await _pinned(batch, uow)  # another version may serve since then
        plan = _Plan.of(signature)
        if batch.progress is None:
            begun = await asyncio.to_thread(self._checked, batch, pin, plan)
            async with job.unit_of_work() as uow:
                batch = begun(at=uow.now)
                uow.batches.save(batch)
            log.info("batch begun", batch=batch.id, deployment=batch.deployment, version=pin.version)
        elif not await asyncio.to_thread(self._spool.holds, batch.id, batch.progress):
            log.warning("batch starts over: its parts are gone or changed", batch=batch.id, rows=batch.rows_done)
            async with job.unit_of_work() as uow:
                batch = (await uow.batches.require(batch.id)).started_over(uow.now)
                uow.batches.save(batch)
        return batch, plan

    async def _fetch(self, batch: Batch) -> None:
        path = self._spool.input(batch.id)
        if path.exists():  # whole and checked: it is put there by a rename
            return
        try:
            await self._artifacts.fetch(self._artifacts.own(artifact_of(batch.input), suffix=_SUFFIX), path)
        except ArtifactMissing:
            raise InputGone(batch.input.sha256) from None
        except ArtifactCorrupt as error:
            raise InputUnusable("input_unreadable", str(error)) from error

    def _checked(self, batch: Batch, pin: Pin, plan: _Plan) -> partial[Batch]:
        """What it is once it has begun. Nothing is scored of a file that does not fit."""
        with InputFile(self._spool.input(batch.id)) as file:
            complaint = difference(f"version {pin.version} of {pin.model!r}", plan.columns, file.columns)
            if complaint is not None:
                raise InputUnusable("columns_differ", complaint)
            return partial(batch.begun, pin, rows=file.rows, chunk_rows=self._chunk_rows)

    async def _score(self, job: Job[DeployerUnitOfWork], batch: Batch, plan: _Plan) -> Batch:
        async with job.unit_of_work() as uow:
            timeout = (await uow.rules_of(batch.deployment)).timeout
        manners = replace(self._manners, seconds=max(timeout, _LEAST_SECONDS))
        scorer = ChunkScorer(self._scorer, plan.columns, partial(_replica, job, batch), manners)
        async for rows in self._chunks(batch, plan):
            done = batch.progress
            assert done is not None, "it has begun"
            chunk_id = f"{batch.id}/{done.chunks_done:06d}"
            scored = await scorer.score(chunk_id, rows, first_row=done.rows_done, failed_before=done.failed_rows)
            batch = await self._record(job, batch, scored, plan)
        return batch

    async def _chunks(self, batch: Batch, plan: _Plan) -> AsyncIterator[Matrix]:
        assert batch.progress is not None, "it has begun"
        with await asyncio.to_thread(InputFile, self._spool.input(batch.id)) as file:
            chunks = file.chunks(plan.columns, batch.progress.chunk_rows, skip=batch.progress.rows_done)
            while (rows := await asyncio.to_thread(next, chunks, None)) is not None:
                yield rows

    async def _record(self, job: Job[DeployerUnitOfWork], batch: Batch, scored: Scored, plan: _Plan) -> Batch:
        """The part is on the disk before the record says that it is."""
        done = batch.progress
        assert done is not None, "it has begun"
        part = await asyncio.to_thread(
            self._spool.write, batch.id, done.chunks_done, done.rows_done, scored, plan.output
        )
        async with job.unit_of_work() as uow:
            known = await uow.batches.require(batch.id)
            known = known.scored(rows=len(scored.outputs), failed_rows=scored.failed, part=part, at=uow.now)
            uow.batches.save(known)
        return known

    async def _complete(self, job: Job[DeployerUnitOfWork], batch: Batch) -> None:
        assert batch.progress is not None, "it has begun"
        path = await asyncio.to_thread(self._spool.join, batch.id, batch.progress.chunks_done)
        output = await self._artifacts.put_file(path)
        async with job.unit_of_work(completes=True) as uow:
            ended = (await uow.batches.require(batch.id)).completed(stored(output), uow.now)
            uow.batches.save(ended)
            uow.publish(completed(ended))
        log.info("batch completed", batch=batch.id, rows=batch.progress.rows, failed_rows=batch.progress.failed_rows)

    async def _fail(self, job: Job[DeployerUnitOfWork], name: str, cause: BatchFailureCause, message: str) -> None:
        async with job.unit_of_work(completes=True) as uow:
            ended = (await uow.batches.require(name)).failed(cause, message, uow.now)
            uow.batches.save(ended)
            uow.publish(failed(ended))
        log.warning("batch failed", batch=name, cause=cause, reason=message)

    async def _tidy(self, job: Job[DeployerUnitOfWork]) -> None:
        """What batches left that were called off, or whose worker died after their end."""
        for name in await asyncio.to_thread(self._spool.batches):
            async with job.unit_of_work() as uow:
                batch = await uow.batches.get(name)
            if batch is None or batch.ended:
                await asyncio.to_thread(self._spool.remove, name)


async def _pinned(batch: Batch, uow: DeployerUnitOfWork) -> tuple[Pin, Signature]:
    """The version that scores, and what it takes. Raises UnknownDeployment or NotServing."""
    deployment = await uow.deployments.get(batch.deployment)
    if deployment is None:
        raise UnknownDeployment(batch.deployment)
    version = batch.version
    if batch.pin is not None:
        version = batch.pin.version
    elif (serving := replica_for(deployment, version)) is not None:
        version = serving.version
    else:
        raise NotServing(why_none(deployment, version))
    assert version is not None, "one was asked for, or one serves"
    state = (await uow.releases.require(release_id(batch.deployment, version))).state
    return Pin(version, state.model, state.artifacts.model.sha256), state.artifacts.signature


async def _replica(job: Job[DeployerUnitOfWork], batch: Batch) -> Replica:
    """Who scores now. Raises BatchRefused once nobody has that version: rows of two models make no output."""
    assert batch.pin is not None, "it has begun"
    async with job.unit_of_work() as uow:
        deployment = await uow.deployments.require(batch.deployment)
    replica = replica_pinned(deployment, batch.pin.version)
    if replica is None:
        raise BatchRefused(
            "version_gone",
            f"{why_none(deployment, batch.pin.version)}; its last replica was kept for batches as long as"
            f" MURMUR_BATCH_HOLD_SECONDS says. Ask again, and all rows are scored by one version",
        )
    return replica
