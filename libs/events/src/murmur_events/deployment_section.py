"""The section `deployment` of workflow.yaml: how the version in production is served."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from murmur_events.base import Value
from murmur_events.units import Bytes, Duration

MOST_REPLICAS = 32


class ReplicaLimits(Value):
    """What one replica may use, with all that share its process; of processors it has one anyway."""

    memory: Bytes | None = Field(
        default=None, gt=0, description="resident memory; a process that grows beyond it is ended and started anew"
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


Share = Annotated[float, Field(ge=0.0001, le=0.9999)]
"""The front door shares requests by ten-thousandths."""


class CanarySection(Value):
    """How a new version is compared with the one that serves, while it gets a growing share of the requests."""

    steps: tuple[Share, ...] = Field(
        default=(0.05, 0.25, 0.5), min_length=1, max_length=20, description="its share of the requests, step by step"
    )
    step_time: Duration = Field(
        default=timedelta(minutes=1),
        gt=timedelta(0),
        json_schema_extra={"default": "1m"},
        description="how long a step lasts at least",
    )
    min_rows: int = Field(default=200, ge=1, description="requests that both versions answer in a step, at least")
    false_alarm: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="probability that an equally good version is rolled back, all steps and looks together",
    )
    max_error_increase: float = Field(
        default=0.01, ge=0, lt=1, description="by so much may its share of failed requests be larger"
    )
    max_latency_factor: float = Field(
        default=2.0, ge=1, description="so many times as many requests may take longer than the stable version's p95"
    )
    max_shift: float = Field(
        default=0.3,
        gt=0,
        le=1,
        description="so far may the distribution of its outputs be from the stable version's (Kolmogorov's distance)",
    )
    max_quality_loss: float = Field(
        default=0.05, ge=0, description="so much worse may it be by monitoring.quality.metric, once labels are known"
    )
    labels: Literal["ignore", "judge", "wait"] = Field(
        default="judge",
        description="of their quality. judge: it counts where there are labels in time; wait: the first step ends only"
        " when both versions have monitoring.quality.min_labelled; ignore: it is no reason to roll back",
    )
    deadline: Duration = Field(
        default=timedelta(hours=1),
        gt=timedelta(0),
        json_schema_extra={"default": "1h"},
        description="a step that lacks requests or labels for so long becomes an alert; it goes on waiting",
    )


class DeploymentSection(Value):
    """How the production version is served. A change takes effect on what serves, without a new version."""

    replicas: int = Field(default=1, ge=1, le=MOST_REPLICAS, description="replicas of the model server, at least")
    max_replicas: int | None = Field(
        default=None, ge=1, le=MOST_REPLICAS, description="replicas under load, at most; absent: always `replicas`"
    )
    autoscaling: AutoscalingSection = AutoscalingSection()
    strategy: Literal["replace", "canary"] = Field(
        default="replace", description="how a new version takes the place of the one that serves"
    )
    canary: CanarySection = CanarySection()
    shadow: Duration | None = Field(
        default=None,
        gt=timedelta(0),
        description="how long, at least, a new version first gets a copy of every request, its answers given to nobody",
    )
    group: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9-]{0,62}$",
        description="workflows that name the same group share model server processes, for many models with little"
        " traffic each: a process has one core and `limits` for all of them, so these must be the same; absent: each"
        " replica has a process of its own",
    )
    limits: ReplicaLimits = ReplicaLimits()
    log: float = Field(default=1.0, ge=0, le=1, description="share of the requests that the prediction log keeps")
    rate_limit: float | None = Field(
        default=None,
        ge=0.001,
        le=1_000_000,
        description="requests a second that one client (by address) may send; absent: any number",
    )
    timeout: Duration = Field(
        default=timedelta(seconds=30),
        ge=timedelta(milliseconds=10),
        le=timedelta(hours=1),
        json_schema_extra={"default": "30s"},
        description="the longest that the front door waits for an answer, attempts that failed included; 10ms to 1h",
    )
