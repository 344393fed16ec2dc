"""The door for imports: what MLflow's protocol has no words for, an id that another server chose."""

from fastapi import APIRouter, Request

from murmur_kernel.auth import Role, allows
from murmur_kernel.service import Service
from murmur_tracking import importing
from murmur_tracking.domain.facts import Points
from murmur_tracking.import_schemas import ImportedView, ModelBody, RunBody
from murmur_tracking.importing import ImportModel, ImportRun
from murmur_tracking.mlflow_api.workspaces import Workspaces
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.search.entries import row_of


def router(service: Service[TrackingUnitOfWork], naming: Workspaces) -> APIRouter:
    api = APIRouter(prefix="/v1/imports", tags=["imports"])

    async def run(command: ImportRun, uow: TrackingUnitOfWork) -> ImportedView:
        taken = row_of(await importing.take_run(command, uow))
        return ImportedView(id=taken.id, artifact_uri=taken.artifact_uri)

    async def model(command: ImportModel, uow: TrackingUnitOfWork) -> ImportedView:
        taken = await importing.take_model(command, uow)
        return ImportedView(id=taken.id, artifact_uri=taken.artifact_uri)

    @api.post("/runs", dependencies=[allows(Role.AUTHOR)])
    async def import_run(request: Request, body: RunBody) -> ImportedView:
        """A run under the id that it has elsewhere, whole or part by part. Until it is whole it bears the tag
        `murmur.import.incomplete`. 409 where the id is that of a run that was not imported, or of another workspace."""
        told = {name: getattr(body, name) for name in RunBody.model_fields if name != "metrics"}
        points = Points(**vars(body.metrics)) if body.metrics else Points()
        command = ImportRun(workspace=await naming.looked_up(request), points=points, **told)
        return await service.change(run, command, answer=ImportedView)

    @api.post("/logged-models", dependencies=[allows(Role.AUTHOR)])
    async def import_model(request: Request, body: ModelBody) -> ImportedView:
        """A logged model under the id that it has elsewhere; the same is said of it as of a run."""
        command = ImportModel(workspace=await naming.looked_up(request), **vars(body))
        return await service.change(model, command, answer=ImportedView)

    return api
