"""Tells Prometheus where model servers are, as its HTTP service discovery reads it: they come and go with rollouts."""

from fastapi import APIRouter
from pydantic import BaseModel

from murmur_deployer.repository import DeployerUnitOfWork
from murmur_kernel.auth import Role, allows
from murmur_kernel.service import Service


class ScrapeGroup(BaseModel):
    """What `http_sd_configs` reads."""

    targets: list[str]
    labels: dict[str, str]


async def list_targets(host: str, uow: DeployerUnitOfWork) -> list[ScrapeGroup]:
    """Every process of every deployment, those that come and those that retire included. Where several replicas share
    one, each of them would tell of all: the oldest does."""
    found: dict[tuple[str, str], ScrapeGroup] = {}
    for deployment in await uow.all_deployments():
        for replica in deployment.replicas:
            shared = f"{replica.terms.group}-{replica.slot}" if replica.terms.group else None
            found.setdefault(
                ("group", shared) if shared else ("replica", replica.name),
                ScrapeGroup(
                    targets=[f"{host}:{replica.http_port}"],
                    labels={"service": "model-server", "replica": shared or replica.name},
                ),
            )
    return list(found.values())


def router(service: Service[DeployerUnitOfWork], host: str) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["operations"])

    @api.get("/scrape-targets", dependencies=[allows(Role.VIEWER)])
    async def scrape_targets() -> list[ScrapeGroup]:
        """The /metrics of model servers, for Prometheus' http_sd_configs."""
        return await service.read(list_targets, host)

    return api
