"""Gives the training slots of the whole cluster to runs, and takes them back."""

from collections.abc import Collection, Sequence

from murmur_trainer import overdue
from murmur_trainer.domain.slots import Claim, Slots
from murmur_trainer.domain.training import Request, TrainingState
from murmur_trainer.repository import TrainerUnitOfWork, TrainingDocument, revision_id

NAME = Slots().name


def queued(request: Request, revision: int, uow: TrainerUnitOfWork) -> TrainingDocument:
    """A training that has been admitted; it continues the chain of the event being handled."""
    return TrainingDocument(
        run_id=request.run_id,
        workflow=request.workflow,
        revision=revision,
        trigger=request.trigger,
        as_of=request.as_of,
        parameters=request.parameters,
        state=TrainingState.QUEUED,
        requested_at=uow.now,
        sweep=request.sweep,
        reproduces=request.reproduces,
        chain=uow.chain,
    )


async def want_slots(trainings: Sequence[TrainingDocument], uow: TrainerUnitOfWork) -> None:
    """It is their turn in their line or sweep: each begins as soon as it has a slot, now where one is free."""
    slots = await uow.slots.get(NAME) or Slots()
    for each in trainings:
        slots = slots.wanted(Claim(run_id=each.run_id, workflow=each.workflow, sweep=each.sweep is not None))
    await _grant(slots, uow)


async def give_back(run_ids: Collection[str], uow: TrainerUnitOfWork) -> None:
    """These have ended or will never begin: others have their slots, and their places among those that wait."""
    slots = await uow.slots.get(NAME)
    if slots is not None:
        await _grant(slots.without(run_ids), uow)


async def begun(run_ids: Collection[str], uow: TrainerUnitOfWork) -> set[str]:
    """Those that have a slot, and so a job."""
    slots = await uow.slots.get(NAME) or Slots()
    return {claim.run_id for claim in slots.held} & set(run_ids)


async def _grant(slots: Slots, uow: TrainerUnitOfWork) -> None:
    """The slots and the jobs of those that got one are saved together, so that no run has the one without the other."""
    held = {claim.run_id for claim in slots.held}
    granted = slots.granted(uow.training_slots)
    uow.slots.save(granted)
    for claim in granted.held:
        if claim.run_id not in held:
            training = await uow.trainings.require(claim.run_id)
            revision = await uow.revisions.require(revision_id(training.workflow, training.revision))
            uow.enqueue_training(training.run_id, chain=training.chain)
            overdue.set_deadline(training, revision.definition.training.limits.time, uow)
