"""What the REST API shows of deployments."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from murmur_deployer.domain.deployment import Deployment, FailureCause, State
from murmur_deployer.domain.replicas import Replica


class ReplicaView(BaseModel):
    """proven: it has answered known rows rightly, so that the front door may lead to it."""

    name: str
    role: Literal["serving", "candidate", "retiring"]
    version: int
    pid: int | None
    http_port: int
    grpc_port: int
    retired_at: datetime | None
    proven: bool


class FailureView(BaseModel):
    version: int
    cause: FailureCause
    message: str
    at: datetime


class DeploymentView(BaseModel):
    """target_version: what was promoted last. serving_version: what the front door leads to, with as many
    replicas as wanted_replicas says, or soon.
    """

    name: str
    model: str
    state: State
    endpoint: str
    target_version: int
    serving_version: int | None
    deployed_at: datetime | None
    wanted_replicas: int
    failure: FailureView | None
    replicas: list[ReplicaView]


class DeploymentPage(BaseModel):
    items: list[DeploymentView]
    next: str | None


def view(deployment: Deployment) -> DeploymentView:
    serving, candidate, failure = deployment.serving, deployment.candidate, deployment.failure
    return DeploymentView(
        name=deployment.name,
        model=deployment.name,
        state=deployment.state,
        endpoint=deployment.endpoint,
        target_version=deployment.target.version,
        serving_version=serving.version if serving else None,
        deployed_at=deployment.deployed_at,
        wanted_replicas=deployment.size,
        failure=FailureView(**vars(failure)) if failure else None,
        replicas=[
            *(_replica(replica, "serving") for replica in (serving.replicas if serving else ())),
            *(_replica(replica, "candidate") for replica in (candidate.replicas if candidate else ())),
            *(_replica(replica, "retiring") for replica in deployment.retiring),
        ],
    )


def _replica(replica: Replica, role: Literal["serving", "candidate", "retiring"]) -> ReplicaView:
    return ReplicaView(
        name=replica.name,
        role=role,
        version=replica.version,
        pid=replica.process.pid if replica.process else None,
        http_port=replica.http_port,
        grpc_port=replica.grpc_port,
        retired_at=replica.retired_at,
        proven=replica.proven,
    )
