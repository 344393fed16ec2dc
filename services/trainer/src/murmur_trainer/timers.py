"""The tick of a schedule: a durable timer that asks for the training of its moment and sets the next one."""

from murmur_kernel.jobs import Job
from murmur_kernel.unit_of_work import Chain
from murmur_trainer.domain import asking
from murmur_trainer.domain.workflow import fire
from murmur_trainer.repository import TrainerUnitOfWork
from murmur_trainer.translation import requested


async def fire_tick(job: Job[TrainerUnitOfWork]) -> None:
    """Begins a chain of its own. Ticks missed while the trainer was down become one, the latest."""
    async with job.unit_of_work(completes=True) as uow:
        workflow = await uow.workflows.require(job.payload["workflow"])
        if workflow.revision != job.payload["revision"] or workflow.schedule is None or workflow.next_tick is None:
            return  # a newer revision set its own timer
        ticks = fire(workflow.schedule, tick=workflow.next_tick, now=uow.now)
        following = workflow.timed(ticks.next)
        uow.workflows.save(following)
        uow.await_tick(following)
        uow.resume(Chain(uow.new_id("tick"), None))
        uow.publish(requested(asking.by_tick(workflow, ticks.due, reason=f"schedule {workflow.cron!r}")))
