"""What really serves."""

from typing import Literal

from pydantic import Field

from murmur_events.base import DeploymentName, Event, ModelName
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
