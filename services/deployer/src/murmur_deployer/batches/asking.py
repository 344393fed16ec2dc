"""What begins a batch and what calls it off: REST calls and events, through the same decisions."""

from dataclasses import dataclass

from murmur_deployer.batches.errors import InputGone, InputUnusable, NotServing
from murmur_deployer.batches.facts import failed, stored
from murmur_deployer.batches.schemas import BatchView, view
from murmur_deployer.domain.batch import Batch
from murmur_deployer.domain.batch_input import BatchInput, difference
from murmur_deployer.domain.batch_target import replica_for, why_none
from murmur_deployer.repository import DeployerUnitOfWork, release_id
from murmur_events.base import DeploymentName
from murmur_events.batches import BatchRequested
from murmur_events.values import Artifact
from murmur_kernel.errors import Refused
from murmur_kernel.unit_of_work import Chain

SCORING = "batch"


@dataclass(frozen=True)
class AskForBatch:
    deployment: str
    version: int | None
    input: str
    by: str


async def ask_for_batch(command: AskForBatch, uow: DeployerUnitOfWork) -> BatchView:
    """Begins a chain with batch.requested. Nothing is begun that is known to fail.

    Raises Missing (unknown deployment), NotServing, InputGone, InputUnusable.
    """
    deployment = await uow.deployments.require(command.deployment)
    serving = replica_for(deployment, command.version)
    if serving is None:
        raise NotServing(why_none(deployment, command.version))
    file = await uow.batch_inputs.get(command.input)
    if file is None:
        raise InputGone(command.input)
    state = (await uow.releases.require(release_id(deployment.name, serving.version))).state
    takes = [column.name for column in state.artifacts.signature.inputs]
    if complaint := difference(f"version {serving.version} of {state.model!r}", takes, file.columns):
        raise InputUnusable("columns_differ", complaint)
    event = BatchRequested(
        batch=f"b-{uow.new_id('batch').replace('-', '')[:16]}",
        deployment=DeploymentName(deployment.name),
        version=command.version,
        input=Artifact(uri=file.uri, sha256=file.sha256, size=file.size),
        by=command.by,
    )
    batch = _accept(event, uow.publish(event), uow)
    return view(batch)


async def accept_request(event: BatchRequested, uow: DeployerUnitOfWork) -> None:
    """Of a client. Those that came by REST are known already. Whether it can be done, the job finds out."""
    if await uow.batches.get(event.batch) is None:
        _accept(event, uow.chain, uow)


async def cancel_batch(name: str, uow: DeployerUnitOfWork) -> BatchView:
    """Ends in batch.failed, cause cancelled; said twice, it is done once. Raises Missing, Refused."""
    batch = await uow.batches.require(name)
    if batch.failure is not None and batch.failure.cause == "cancelled":
        return view(batch)
    if batch.ended:
        raise Refused(f"batch {name!r} is {batch.state.value} already: there is nothing to call off")
    ended = batch.failed("cancelled", f"called off after {batch.rows_done:,} rows", uow.now)
    uow.batches.save(ended)
    uow.cancel(_job_of(name))
    uow.resume(Chain(batch.correlation_id, batch.causation_id))
    uow.publish(failed(ended))
    return view(ended)


async def remember_input(file: BatchInput, uow: DeployerUnitOfWork) -> BatchInput:
    uow.batch_inputs.save(file)
    return file


def _accept(event: BatchRequested, chain: Chain, uow: DeployerUnitOfWork) -> Batch:
    batch = Batch(
        id=event.batch,
        deployment=event.deployment,
        version=event.version,
        input=stored(event.input),
        by=event.by,
        requested_at=uow.now,
        correlation_id=chain.correlation_id,
        causation_id=chain.causation_id,
    )
    uow.batches.save(batch)
    uow.enqueue(SCORING, job_id=_job_of(batch.id), payload={"batch": batch.id}, chain=chain)
    return batch


def _job_of(batch: str) -> str:
    return f"{SCORING}/{batch}"
