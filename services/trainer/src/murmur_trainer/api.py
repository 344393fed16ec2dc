"""The REST API of the trainer: parses, calls a handler, returns a schema."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from murmur_events.workflows import workflow_file_schema
from murmur_kernel.auth import Caller, Role, allows
from murmur_kernel.commands import idempotency_key
from murmur_kernel.service import Service
from murmur_kernel.web import problem
from murmur_trainer import handlers, views
from murmur_trainer.domain.training import TrainingState
from murmur_trainer.handlers import ApplyWorkflow, AskForTraining, WorkflowHandlers
from murmur_trainer.repository import TrainerUnitOfWork
from murmur_trainer.reproducing import AskForReproduction, NotReproducible, ReproductionHandlers
from murmur_trainer.schemas import (
    Accepted,
    Applied,
    ReproductionAccepted,
    ReproductionWish,
    TrainingPage,
    TrainingView,
    TrainingWish,
    WorkflowFiles,
    WorkflowPage,
    WorkflowView,
)
from murmur_trainer.sources import CodeSource
from murmur_trainer.workflow_file import WorkflowFileInvalid

Limit = Annotated[int, Query(ge=1, le=200)]


def router(
    service: Service[TrainerUnitOfWork], workflows: WorkflowHandlers, reproductions: ReproductionHandlers
) -> APIRouter:
    api = APIRouter(prefix="/v1")

    @api.put("/workflows/{name}", dependencies=[allows(Role.AUTHOR)])
    async def apply(name: str, body: WorkflowFiles) -> Applied:
        """Check a workflow and make it the newest revision; the same content again changes nothing.

        422 lists every mistake with file, line, column, the line itself, and what was expected. 409: its
        deployment.group has other limits.
        """
        source = CodeSource(**body.source.model_dump()) if body.source is not None else None
        command = ApplyWorkflow(name=name, definition=body.definition, files=body.files, source=source)
        return await service.change(workflows.apply_workflow, command, answer=Applied)

    @api.get("/workflows", dependencies=[allows(Role.VIEWER)])
    async def list_workflows(limit: Limit = 50, cursor: str | None = None) -> WorkflowPage:
        """By name."""
        return await service.read(views.list_workflows, views.ListWorkflows(limit=limit, cursor=cursor))

    @api.get("/workflows/schema", dependencies=[allows(Role.VIEWER)])
    async def schema() -> dict[str, Any]:
        """JSON Schema of workflow.yaml, for editors."""
        return workflow_file_schema()

    @api.get("/workflows/{name}", dependencies=[allows(Role.VIEWER)])
    async def workflow(name: str) -> WorkflowView:
        return await service.read(views.workflow_named, name)

    @api.post("/workflows/{name}/trainings", status_code=202, dependencies=[allows(Role.AUTHOR)])
    async def ask(name: str, body: TrainingWish, caller: Caller) -> Accepted:
        """Ask for a training, now or as a past tick of the schedule; the header Idempotency-Key is its trigger key."""
        key = idempotency_key.get()
        command = AskForTraining(
            workflow=name,
            kind=body.kind,
            as_of=body.as_of,
            parameters=body.parameters,
            reason=body.reason,
            by=caller.signs_as(body.by, otherwise=handlers.A_PERSON),
            key=caller.scoped(key) if key else None,
        )
        return await service.change(handlers.ask_for_training, command, answer=Accepted)

    @api.post("/runs/{run_id}/reproductions", status_code=202, dependencies=[allows(Role.AUTHOR)])
    async def reproduce(run_id: str, body: ReproductionWish, caller: Caller) -> ReproductionAccepted:
        """Train again exactly what a completed run trained; run.completed of the new run carries the verdict.

        409: something of it is gone or changed, or its environment is not the present one (`differences`).
        """
        key = idempotency_key.get()
        command = AskForReproduction(
            run_id=run_id,
            seed=body.seed,
            environment=body.environment,
            reason=body.reason,
            by=caller.signs_as(body.by, otherwise=handlers.A_PERSON),
            key=caller.scoped(key) if key else None,
        )
        return await service.change(reproductions.ask_for_reproduction, command, answer=ReproductionAccepted)

    @api.get("/trainings", dependencies=[allows(Role.VIEWER)])
    async def list_trainings(
        workflow: str | None = None,
        state: TrainingState | None = None,
        sweep: str | None = None,
        limit: Limit = 50,
        cursor: str | None = None,
    ) -> TrainingPage:
        """The newest request first."""
        query = views.ListTrainings(workflow=workflow, state=state, sweep=sweep, limit=limit, cursor=cursor)
        return await service.read(views.list_trainings, query)

    @api.get("/trainings/{run_id}", dependencies=[allows(Role.VIEWER)])
    async def training(run_id: str) -> TrainingView:
        return await service.read(views.training_of_run, run_id)

    return api


def invalid_workflow(request: Request, error: Exception) -> JSONResponse:
    """All mistakes, each with what a command line needs to show it like a compiler."""
    assert isinstance(error, WorkflowFileInvalid)
    return problem(422, "Invalid workflow", str(error), mistakes=[vars(mistake) for mistake in error.mistakes])


def not_reproducible(request: Request, error: Exception) -> JSONResponse:
    """With what differs between the environments, where that is why."""
    assert isinstance(error, NotReproducible)
    return problem(409, "Not reproducible", str(error), differences=[vars(each) for each in error.differences])
