"""What may be asked: workflows and trainings, as the REST API shows them."""

from dataclasses import dataclass

from murmur_trainer.domain.training import TrainingState
from murmur_trainer.domain.workflow import Workflow
from murmur_trainer.repository import TrainerUnitOfWork, TrainingDocument, revision_id
from murmur_trainer.schemas import TrainingPage, TrainingView, WorkflowPage, WorkflowView


@dataclass(frozen=True, kw_only=True)
class ListWorkflows:
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListTrainings:
    workflow: str | None = None
    state: TrainingState | None = None
    sweep: str | None = None
    limit: int = 50
    cursor: str | None = None


async def list_workflows(query: ListWorkflows, uow: TrainerUnitOfWork) -> WorkflowPage:
    """By name."""
    page = await uow.workflows.find(order_by="name", limit=query.limit, cursor=query.cursor)
    return WorkflowPage(items=tuple([await _view(workflow, uow) for workflow in page.items]), next=page.next)


async def workflow_named(name: str, uow: TrainerUnitOfWork) -> WorkflowView:
    """Raises Missing."""
    return await _view(await uow.workflows.require(name), uow)


async def list_trainings(query: ListTrainings, uow: TrainerUnitOfWork) -> TrainingPage:
    """The newest request first."""
    filters = {"workflow": query.workflow, "state": query.state, "sweep": query.sweep}
    page = await uow.trainings.find(
        where={name: value for name, value in filters.items() if value is not None},
        order_by="requested_at",
        descending=True,
        limit=query.limit,
        cursor=query.cursor,
    )
    return TrainingPage(items=tuple(training_view(training) for training in page.items), next=page.next)


async def training_of_run(run_id: str, uow: TrainerUnitOfWork) -> TrainingView:
    """Raises Missing."""
    return training_view(await uow.trainings.require(run_id))


async def _view(workflow: Workflow, uow: TrainerUnitOfWork) -> WorkflowView:
    newest = await uow.revisions.require(revision_id(workflow.name, workflow.revision))
    line = await uow.line_of(workflow.name)
    return WorkflowView(
        name=workflow.name,
        description=newest.definition.description,
        revision=workflow.revision,
        applied_at=workflow.applied_at,
        schedule=workflow.cron,
        next_tick=workflow.next_tick,
        active=line.active,
        waiting=line.waiting,
        code=newest.code,
        definition=newest.definition,
    )


def training_view(training: TrainingDocument) -> TrainingView:
    return TrainingView(
        run_id=training.run_id,
        workflow=training.workflow,
        revision=training.revision,
        kind=training.trigger.kind,
        key=training.trigger.key,
        by=training.trigger.by,
        reason=training.trigger.reason,
        as_of=training.as_of,
        parameters=training.parameters,
        sweep=training.sweep,
        state=training.state,
        attempt=training.attempt,
        requested_at=training.requested_at,
        started_at=training.started_at,
        ended_at=training.ended_at,
        cause=training.cause,
        message=training.message,
        overdue=training.overdue,
        reproduces=training.reproduces.run_id if training.reproduces is not None else None,
        correlation_id=training.chain.correlation_id,
    )
