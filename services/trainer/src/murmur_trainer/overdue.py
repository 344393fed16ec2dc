"""A training that does not end in the time it was given: people are told, and told again when it has ended."""

from datetime import timedelta

from murmur_kernel import troubles
from murmur_kernel.jobs import Job
from murmur_trainer.repository import OVERDUE, TrainerUnitOfWork, TrainingDocument

GRACE = timedelta(minutes=10)
"""Beyond the time that the workflow gives its code: for the slot it waits for, the data, and attempts that died."""


def set_deadline(training: TrainingDocument, limit: timedelta, uow: TrainerUnitOfWork) -> None:
    """It is its workflow's turn: from now on it should end within `limit` and some grace."""
    uow.enqueue(
        OVERDUE, job_id=_timer(training.run_id), payload={"run_id": training.run_id}, due=uow.now + limit + GRACE
    )


async def ended(run_id: str, uow: TrainerUnitOfWork) -> None:
    """Forget the deadline; a missed one is made good. The caller saves the training: so does the timer, and of the two
    the second sees the first."""
    uow.cancel(_timer(run_id))
    await troubles.end(uow, _timer(run_id), f"run {run_id!r} has ended")


async def tell_overdue(job: Job[TrainerUnitOfWork]) -> None:
    async with job.unit_of_work(completes=True) as uow:
        training = await uow.trainings.require(job.payload["run_id"])
        if training.ended:
            return
        uow.trainings.save(training.missed())
        uow.resume(training.chain)
        await troubles.begin(
            uow,
            _timer(training.run_id),
            about=training.workflow,
            title=f"the training of {training.workflow} does not end",
            detail=f"run {training.run_id!r} is {training.state.value}, attempt {training.attempt}",
        )


def _timer(run_id: str) -> str:
    return f"{OVERDUE}/{run_id}"
