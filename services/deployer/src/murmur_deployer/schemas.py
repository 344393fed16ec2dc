"""What the REST API shows of deployments."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from murmur_deployer.domain.deployment import Deployment, EndCause, State
from murmur_deployer.domain.replicas import Replica


class ReplicaView(BaseModel):
    """proven: it has answered known rows rightly, so that the front door may lead to it. started_at: its process."""

    name: str
    role: Literal["serving", "candidate", "retiring"]
    version: int
    pid: int | None
    http_port: int
    grpc_port: int
    retired_at: datetime | None
    proven: bool
    started_at: datetime | None


class RollbackBody(BaseModel):
    """version: the one that shall go, the canary or what serves. by: who decides; without it whose token it is."""

    version: int = Field(ge=1)
    reason: str = Field(min_length=1)
    by: str | None = Field(default=None, min_length=1)


class FailureView(BaseModel):
    version: int
    cause: EndCause
    message: str
    at: datetime


class CanaryView(BaseModel):
    """weight: its share of the requests. rows: requests that it had answered when the step began."""

    version: int
    step: int
    weight: float
    since: datetime
    rows: int


class DeploymentView(BaseModel):
    """target_version: what was promoted last. serving_version: what the front door leads to, with as many
    replicas as wanted_replicas says, or soon.
    previous_version: what a rollback would lead to, once no canary is under way.
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
    previous_version: int | None
    canary: CanaryView | None
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
        previous_version=deployment.previous,
        canary=_canary(deployment),
        replicas=[
            *(_replica(replica, "serving") for replica in (serving.replicas if serving else ())),
            *(_replica(replica, "candidate") for replica in (candidate.replicas if candidate else ())),
            *(_replica(replica, "retiring") for replica in deployment.retiring),
        ],
    )


def _canary(deployment: Deployment) -> CanaryView | None:
    canary, candidate = deployment.canary, deployment.candidate
    if canary is None or candidate is None:
        return None
    return CanaryView(
        version=candidate.version,
        step=canary.step + 1,
        weight=canary.weight,
        since=canary.since,
        rows=canary.evidence.canary.requests,
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
        started_at=datetime.fromtimestamp(replica.process.created, UTC) if replica.process else None,
    )
