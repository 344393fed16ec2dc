"""REST: what each replica and each version of a deployment answers right now, as model servers count it themselves."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from murmur_deployer.domain.canary import Counts
from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.pace import pace
from murmur_deployer.domain.replicas import ServedVersion
from murmur_deployer.meter import Measured, Meter
from murmur_deployer.ports import ModelServers
from murmur_deployer.repository import DeployerUnitOfWork
from murmur_kernel.auth import Role, allows
from murmur_kernel.service import Service


class PaceView(BaseModel):
    """seconds: what the rates were measured over; null, and the rates with it, until there are two looks. requests:
    since the replicas began. errors: failed requests a second. Latencies are the replica's own, as it measures them."""

    requests: int
    seconds: float | None
    rate: float | None
    errors: float | None
    p50_ms: float | None
    p99_ms: float | None


class ReplicaPace(PaceView):
    """answers: false where it did not tell what it has counted."""

    name: str
    version: int
    answers: bool


class VersionPace(PaceView):
    """All replicas of a version together."""

    version: int
    role: Literal["serving", "candidate"]
    replicas: int


class TrafficView(BaseModel):
    name: str
    at: datetime
    replicas: list[ReplicaPace]
    versions: list[VersionPace]


async def find_deployment(name: str, uow: DeployerUnitOfWork) -> Deployment:
    return await uow.deployments.require(name)


def traffic(deployment: Deployment, measured: Mapping[str, Measured], at: datetime) -> TrafficView:
    """measured: of all its replicas, by name."""
    return TrafficView(
        name=deployment.name,
        at=at,
        replicas=[
            ReplicaPace(
                name=replica.name,
                version=replica.version,
                answers=measured[replica.name].counts is not None,
                **_together([measured[replica.name]]),
            )
            for replica in deployment.replicas
        ],
        versions=[
            *_version("serving", deployment.serving, measured),
            *_version("candidate", deployment.candidate, measured),
        ],
    )


def _version(
    role: Literal["serving", "candidate"], served: ServedVersion | None, measured: Mapping[str, Measured]
) -> Iterator[VersionPace]:
    if served is not None:
        its = [measured[replica.name] for replica in served.replicas]
        yield VersionPace(version=served.version, role=role, replicas=len(its), **_together(its))


def _together(measured: Sequence[Measured]) -> dict[str, float | None]:
    """Rates of replicas add up; quantiles are of all their requests. A replica without a rate yet adds nothing."""
    told = [one for one in measured if one.seconds > 0]
    total = Counts()
    for one in told:
        total = total.plus(one.came)
    requests = sum(one.counts.requests for one in measured if one.counts)
    if not told:
        return {"requests": requests, "seconds": None, "rate": None, "errors": None, "p50_ms": None, "p99_ms": None}
    paces = [pace(one.came, one.seconds) for one in told]
    quantiles = pace(total, 1.0)
    return {
        "requests": requests,
        "seconds": max(one.seconds for one in told),
        "rate": sum(one.rate for one in paces),
        "errors": sum(one.errors for one in paces),
        "p50_ms": quantiles.p50,
        "p99_ms": quantiles.p99,
    }


def router(service: Service[DeployerUnitOfWork], servers: ModelServers) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["deployments"])
    meter = Meter(servers)

    @api.get("/deployments/{name}/traffic", dependencies=[allows(Role.VIEWER)])
    async def show_traffic(name: str) -> TrafficView:
        """Rates and latencies of the last seconds, by replica and by version. Ask again after a second: the first
        answer has counters alone. 404 for a model that was never promoted to production."""
        deployment = await service.read(find_deployment, name)
        return traffic(deployment, await meter.measure(deployment.replicas), service.clock.now())

    return api
