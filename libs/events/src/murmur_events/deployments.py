"""What really serves."""

from typing import Literal

from pydantic import Field

from murmur_events.base import DeploymentName, Event, ModelName, Value
from murmur_events.models import VersionState


class ModelDeployed(Event):
    """A version answers at the front door; it was probed with known predictions first."""

    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1)
    replaces: int | None
    replica: str = Field(description="the first of `replicas`")
    replicas: tuple[str, ...] = Field(default=(), description="all that answer; none named by a deployer of old")
    endpoint: str = Field(description="path at the front door, Open Inference Protocol V2")
    state: VersionState


class CanaryStarted(Event):
    """A version answers its first share of the requests; the one that serves answers the others."""

    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1)
    against: int = Field(ge=1, description="the version that serves")
    replicas: tuple[str, ...]
    steps: tuple[float, ...] = Field(
        description="its shares of the requests, the first one now; 0: copies, whose answers nobody gets"
    )
    endpoint: str
    state: VersionState


class CanaryTest(Value):
    """One aspect of both versions. Certain is what is beyond the threshold, at the stated rate of false alarms."""

    aspect: Literal["errors", "latency", "outputs", "quality"]
    stable: float | None = Field(default=None, description="share of failed or slow requests; metric of quality")
    canary: float | None = Field(
        default=None, description="share of failed or slow requests; distance of the outputs; metric of quality"
    )
    statistic: float
    threshold: float
    decision: Literal["worse", "not_worse", "not_tested"]
    detail: str


class CanaryJudged(Event):
    """A step has ended, one way or the other."""

    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1)
    against: int = Field(ge=1)
    step: int = Field(ge=1)
    steps: int = Field(ge=1)
    weight: float = Field(ge=0, le=1, description="share of the requests in this step")
    verdict: Literal["advance", "roll_back", "finish"]
    rows: int = Field(ge=0, description="requests of the canary since it began")
    stable_rows: int = Field(ge=0, description="requests of the stable version meanwhile")
    tests: tuple[CanaryTest, ...]
    detail: str


class DeploymentRolledBack(Event):
    """A version gets no requests any more; the one named as `serving` answers all of them."""

    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1, description="the one that was rolled back")
    serving: int = Field(ge=1)
    alias_revision: int = Field(ge=1, description="of the newest promotion that the deployer knew: it is taken back")
    by: str = Field(min_length=1, description="a person's name, or the service that decided")
    cause: Literal["canary", "person"]
    reason: str = Field(min_length=1)


class DeploymentScaled(Event):
    """It was decided that another number of replicas serve; they come and go within seconds."""

    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1)
    before: int = Field(ge=0)
    replicas: int = Field(ge=1)
    cause: Literal["rate", "latency", "idle", "settings"]
    detail: str
    rate: float | None = Field(default=None, ge=0, description="requests a second then, at the front door")
    p99_ms: float | None = Field(default=None, ge=0, description="of that second")


class DeploymentFailed(Event):
    """A version could not be made to serve; what served before still does."""

    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1)
    cause: Literal["artifact_corrupt", "did_not_start", "probe_mismatch", "route_not_applied", "superseded"]
    message: str
    still_serving: int | None
