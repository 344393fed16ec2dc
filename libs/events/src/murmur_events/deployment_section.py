"""The section `deployment` of workflow.yaml: how the version in production is served."""

from datetime import timedelta

from pydantic import Field

from murmur_events.base import Value
from murmur_events.units import Bytes, Duration

MOST_REPLICAS = 32


class ReplicaLimits(Value):
    """What one replica may use; of processors it has one anyway."""

    memory: Bytes | None = Field(
        default=None, gt=0, description="resident memory; a replica that grows beyond it is ended and started anew"
    )
    nice: int = Field(default=0, ge=0, le=19, description="0 is the priority of everything else, 19 the lowest")


class AutoscalingSection(Value):
    """What tells that more replicas are needed, where `max_replicas` allows them."""

    rate: float | None = Field(
        default=None, gt=0, description="requests a second that one replica is meant to take; absent: latency alone"
    )
    latency_p99: Duration = Field(
        default=timedelta(milliseconds=100),
        gt=timedelta(0),
        json_schema_extra={"default": "100ms"},
        description="one more replica where one request in a hundred takes longer, at the front door",
    )
    idle: Duration = Field(
        default=timedelta(minutes=1),
        ge=timedelta(seconds=5),
        json_schema_extra={"default": "1m"},
        description="one replica fewer where that would have sufficed for so long",
    )


class DeploymentSection(Value):
    """How the production version is served. A change takes effect on what serves, without a new version."""

    replicas: int = Field(default=1, ge=1, le=MOST_REPLICAS, description="replicas of the model server, at least")
    max_replicas: int | None = Field(
        default=None, ge=1, le=MOST_REPLICAS, description="replicas under load, at most; absent: always `replicas`"
    )
    autoscaling: AutoscalingSection = AutoscalingSection()
    limits: ReplicaLimits = ReplicaLimits()
    log: float = Field(default=1.0, ge=0, le=1, description="share of the requests that the prediction log keeps")
    rate_limit: float | None = Field(
        default=None, gt=0, description="requests a second that one client (by address) may send; absent: any number"
    )
    timeout: Duration = Field(
        default=timedelta(seconds=30),
        gt=timedelta(0),
        json_schema_extra={"default": "30s"},
        description="the longest that the front door waits for an answer, attempts that failed included",
    )
