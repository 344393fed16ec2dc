"""A deployment: what should serve, what does, and which replicas are on their way in or out."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

FailureCause = Literal["artifact_corrupt", "did_not_start", "probe_mismatch", "route_not_applied", "superseded"]


class RolloutFailed(Exception):
    """A version cannot be made to serve; what served before still does."""

    def __init__(self, cause: FailureCause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message


@dataclass(frozen=True)
class Target:
    """What a promotion asks for. alias_revision counts the moves of the alias: the highest is the newest."""

    version: int
    alias_revision: int


@dataclass(frozen=True)
class ProcessId:
    """One process for ever: pids are used again, but not with the same time of creation (seconds since 1970)."""

    pid: int
    created: float


@dataclass(frozen=True)
class Replica:
    """One model server on this machine. process None: it was decided, but is not known to have been started."""

    name: str
    deployment: str
    version: int
    http_port: int
    grpc_port: int
    process: ProcessId | None = None
    retired_at: datetime | None = None

    @property
    def ports(self) -> tuple[int, int]:
        return (self.http_port, self.grpc_port)


@dataclass(frozen=True)
class Failure:
    """How the newest promotion that failed ended."""

    version: int
    cause: FailureCause
    message: str
    at: datetime


class State(StrEnum):
    """What a person wants to know of a deployment first."""

    SERVING = "serving"
    ROLLING_OUT = "rolling_out"
    NOT_SERVING = "not_serving"


@dataclass(frozen=True)
class Deployment:
    """The aggregate.

    serving:   the replica that the front door leads to
    candidate: the replica of a rollout under way
    retiring:  replicas that served, and may still be answering their last requests
    failure:   of the target, None while it is under way or serves
    """

    name: str
    target: Target
    serving: Replica | None = None
    candidate: Replica | None = None
    retiring: tuple[Replica, ...] = ()
    replicas_made: int = 0
    failure: Failure | None = None
    deployed_at: datetime | None = None

    @property
    def state(self) -> State:
        if self.failure is None and (
            self.serving is None or self.candidate or self.serving.version != self.target.version
        ):
            return State.ROLLING_OUT
        return State.NOT_SERVING if self.serving is None else State.SERVING

    @property
    def endpoint(self) -> str:
        """Path at the front door, Open Inference Protocol V2."""
        return f"/v2/models/{self.name}"

    @property
    def replicas(self) -> tuple[Replica, ...]:
        return tuple(replica for replica in (self.serving, self.candidate, *self.retiring) if replica)

    def aiming_at(self, target: Target) -> "Deployment":
        return replace(self, target=target, failure=None)

    def with_candidate(self, version: int, ports: tuple[int, int]) -> "Deployment":
        """A new replica's name is never used again, whatever becomes of it."""
        number = self.replicas_made + 1
        candidate = Replica(f"{self.name}-v{version}-{number}", self.name, version, *ports)
        return replace(self, candidate=candidate, replicas_made=number)

    def swapped(self, candidate: Replica, at: datetime) -> "Deployment":
        """The candidate serves; what served before retires."""
        retired = (replace(self.serving, retired_at=at),) if self.serving else ()
        return replace(
            self, serving=candidate, candidate=None, retiring=(*self.retiring, *retired), failure=None, deployed_at=at
        )

    def failed(self, target: Target, cause: FailureCause, message: str, at: datetime) -> "Deployment":
        """The candidate is gone. Only the failure of the newest target is remembered."""
        failure = Failure(target.version, cause, message, at) if target == self.target else self.failure
        return replace(self, candidate=None, failure=failure)

    def with_replica(self, changed: Replica) -> "Deployment":
        """The replica of the same name, wherever it stands by now, has that process and those ports."""

        def update(replica: Replica) -> Replica:
            if replica.name != changed.name:
                return replica
            return replace(replica, process=changed.process, http_port=changed.http_port, grpc_port=changed.grpc_port)

        return replace(
            self,
            serving=update(self.serving) if self.serving else None,
            candidate=update(self.candidate) if self.candidate else None,
            retiring=tuple(map(update, self.retiring)),
        )

    def without(self, name: str) -> "Deployment":
        """A retired replica is gone."""
        return replace(self, retiring=tuple(replica for replica in self.retiring if replica.name != name))


def ports_in_use(deployments: Iterable[Deployment]) -> set[int]:
    return {port for deployment in deployments for replica in deployment.replicas for port in replica.ports}
