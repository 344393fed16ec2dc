"""REST: what serves, what should, and how the last rollout went."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from murmur_deployer.repository import DeployerUnitOfWork
from murmur_deployer.rollbacks import GoBack, go_back
from murmur_deployer.schemas import DeploymentPage, DeploymentView, RollbackBody, view
from murmur_kernel.auth import Caller, Role, allows
from murmur_kernel.service import Service


@dataclass(frozen=True)
class ListDeployments:
    limit: int
    cursor: str | None


async def list_deployments(query: ListDeployments, uow: DeployerUnitOfWork) -> DeploymentPage:
    page = await uow.deployments.find(order_by="name", limit=query.limit, cursor=query.cursor)
    return DeploymentPage(items=[view(deployment) for deployment in page.items], next=page.next)


async def show_deployment(name: str, uow: DeployerUnitOfWork) -> DeploymentView:
    return view(await uow.deployments.require(name))


def router(service: Service[DeployerUnitOfWork]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["deployments"])

    @api.get("/deployments", dependencies=[allows(Role.VIEWER)])
    async def deployments(limit: Annotated[int, Query(ge=1, le=500)] = 50, cursor: str | None = None) -> DeploymentPage:
        """By name."""
        return await service.read(list_deployments, ListDeployments(limit, cursor))

    @api.get("/deployments/{name}", dependencies=[allows(Role.VIEWER)])
    async def deployment(name: str) -> DeploymentView:
        """404 for a model that was never promoted to production."""
        return await service.read(show_deployment, name)

    @api.post("/deployments/{name}/rollback", status_code=202, dependencies=[allows(Role.APPROVER)])
    async def rollback(name: str, body: RollbackBody, caller: Caller) -> DeploymentView:
        """Back from the canary, or to the version that served before. 409 where `version` is neither the canary nor, if
        there is none, what serves; and where there is nothing to go back to."""
        command = GoBack(name, body.version, caller.signs_as(body.by), body.reason)
        return await service.change(go_back, command, answer=DeploymentView)

    return api
