"""Workspaces by REST: which there are, and the call that ends one."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from murmur_kernel.auth import Role, allows
from murmur_kernel.errors import Missing
from murmur_kernel.service import Service
from murmur_mlflow.hearing import Hearing
from murmur_tracking import workspaces
from murmur_tracking.domain.workspaces import Workspace
from murmur_tracking.mlflow_api.workspaces import Workspaces
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.workspaces import ListWorkspaces


class WorkspaceView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    generation: int = Field(description="how often this name was dropped before")
    opened_at: AwareDatetime | None = Field(description="when this generation was first used")


class DroppedView(WorkspaceView):
    models_gone: bool = Field(
        description="whether the registry has let go of its models, too; if not yet, it does when it hears of the end"
    )


class WorkspacePage(BaseModel):
    items: list[WorkspaceView]
    next: str | None


def router(service: Service[TrackingUnitOfWork], naming: Workspaces, hearing: Hearing) -> APIRouter:
    api = APIRouter(prefix="/v1/workspaces", tags=["tracking"])

    async def models_gone(ended: Workspace) -> bool:
        """As soon as the registry says so, so that a client may take its names at once; False if it does not."""
        try:
            return await hearing.once_heard(lambda: service.read(workspaces.see_emptied, ended))
        except Missing:
            return False

    @api.get("", dependencies=[allows(Role.VIEWER)])
    async def list_workspaces(
        limit: Annotated[int, Query(ge=1, le=500, description="items a page")] = 50,
        cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    ) -> WorkspacePage:
        """Those that MLflow's clients have used, by name."""
        page = await service.read(workspaces.list_all, ListWorkspaces(limit, cursor))
        return WorkspacePage(items=[WorkspaceView.model_validate(one) for one in page.items], next=page.next)

    @api.delete("/{name}", dependencies=[allows(Role.OPERATOR)])
    async def drop_workspace(name: str) -> DroppedView:
        """Everything of it is gone for every reader at once, and cannot be had back: runs, experiments, logged models,
        artifacts, and registered models. Its names are free again. 404 where it is not there, 409 for `default`."""
        try:
            ended = await service.change(workspaces.drop, name, answer=Workspace)
        finally:
            naming.forget(name)
        return DroppedView(
            name=name,
            generation=ended.generation,
            opened_at=ended.opened_at,
            models_gone=await models_gone(ended),
        )

    return api
