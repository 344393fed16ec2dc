"""A deployment: what should serve, what does, and which replicas are on their way in or out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from murmur_deployer.domain.canary import Canary, Wish
from murmur_deployer.domain.quality import CanaryLabels
from murmur_deployer.domain.replicas import Replica, ServedVersion, Terms, free_shard, free_slot, updated

FailureCause = Literal["artifact_corrupt", "did_not_start", "probe_mismatch", "route_not_applied", "superseded"]
EndCause = FailureCause | Literal["rolled_back"]
Ports = tuple[int, int]
Role = Literal["serving", "candidate"]


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

    def of(self, deployment: str) -> dict[str, str | int]:
        """The payload of a job that is about this target of that deployment."""
        return {"deployment": deployment, "version": self.version, "alias_revision": self.alias_revision}


@dataclass(frozen=True)
class Failure:
    """How the newest promotion that failed ended."""

    version: int
    cause: EndCause
    message: str
    at: datetime


class State(StrEnum):
    """What a person wants to know of a deployment first."""

    SERVING = "serving"
    CANARY = "canary"
    ROLLING_OUT = "rolling_out"
    NOT_SERVING = "not_serving"


@dataclass(frozen=True)
class Deployment:
    """The aggregate.

    serving:   the version that the front door leads to, with its replicas
    candidate: the version of a rollout under way
    canary:    how far the candidate is, while it gets a share of the requests
    previous:  the version that served before, to which people may go back
    retiring:  replicas that served, and may still be answering their last requests
    failure:   of the target, None while it is under way or serves
    wanted:    how many replicas were decided for what serves; None: as many as it has
    limit:     requests a second at which one replica was too slow, as known when the size was decided; None: unknown
    """

    name: str
    target: Target
    serving: ServedVersion | None = None
    candidate: ServedVersion | None = None
    retiring: tuple[Replica, ...] = ()
    replicas_made: int = 0
    failure: Failure | None = None
    deployed_at: datetime | None = None
    wanted: int | None = None
    limit: float | None = None
    canary: Canary | None = None
    previous: int | None = None

    @property
    def size(self) -> int:
        """How many replicas what serves is to have; 0 where nothing serves."""
        if self.serving is None:
            return 0
        return len(self.serving.replicas) if self.wanted is None else self.wanted

    @property
    def state(self) -> State:
        if self.canary is not None:
            return State.CANARY
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
        """All of them, whatever they are for."""
        return (
            *(self.serving.replicas if self.serving else ()),
            *(self.candidate.replicas if self.candidate else ()),
            *self.retiring,
        )

    def aiming_at(self, target: Target) -> "Deployment":
        return replace(self, target=target, failure=None)

    def with_candidate(
        self, version: int, living: Sequence[Replica], ports: Sequence[Ports], terms: Terms
    ) -> "Deployment":
        """The replicas that live, and a new one for each pair of ports, are the candidate."""
        grown = replace(self, candidate=ServedVersion(version, tuple(living)))
        for pair in ports:
            new = grown._new_replica(version, pair, terms)
            assert grown.candidate is not None
            candidate = replace(grown.candidate, replicas=(*grown.candidate.replicas, new))
            grown = replace(grown, candidate=candidate, replicas_made=grown.replicas_made + 1)
        return grown

    def sized(self, role: Role) -> ServedVersion | None:
        """What is to have `size` replicas: what serves, and its canary, which may get all the requests."""
        if role == "serving":
            return self.serving
        return self.candidate if self.canary is not None else None

    def grown(self, ports: Sequence[Ports], terms: Terms, role: Role = "serving") -> "Deployment":
        """It gets a new replica for each pair of ports; none of them is led to before it is proven."""
        grown = self
        for pair in ports:
            its = grown.sized(role)
            assert its is not None
            new = grown._new_replica(its.version, pair, terms)
            its = replace(its, replicas=(*its.replicas, new))
            grown = replace(grown._with(role, its), replicas_made=grown.replicas_made + 1)
        return grown

    def shrunk(self, replicas: Sequence[Replica], at: datetime, role: Role = "serving") -> "Deployment":
        """These replicas of it retire."""
        its = self.sized(role)
        if its is None:
            return self
        names = [replica.name for replica in replicas]
        leaving = [replica for replica in its.replicas if replica.name in names]
        return replace(self._with(role, its.without(names)), retiring=self.retiring + _retired(leaving, at))

    def _with(self, role: Role, version: ServedVersion) -> "Deployment":
        return replace(self, serving=version) if role == "serving" else replace(self, candidate=version)

    def swapped(self, at: datetime) -> "Deployment":
        """The candidate serves, which was proven; a canary has grown with what served, which retires."""
        assert self.candidate is not None, "only a candidate takes the place of what serves"
        retired = _retired(self.serving.replicas, at) if self.serving else ()
        return replace(
            self,
            serving=self.candidate if self.canary else self.candidate.all_proven(),
            candidate=None,
            retiring=self.retiring + retired,
            failure=None,
            deployed_at=at,
            wanted=self.size if self.canary else len(self.candidate.replicas),
            canary=None,
            previous=self.serving.version if self.serving else self.previous,
        )

    def candidate_of(self, target: Target) -> ServedVersion | None:
        """What a rollout of that target has made. It ends where a canary begins: one that is there is another's."""
        if self.canary is not None or self.candidate is None or self.candidate.version != target.version:
            return None
        return self.candidate

    def with_proven_candidate(self) -> "Deployment":
        """The candidate has answered the known rows: from now on the front door may be led to it, and it is never ended
        without being drained."""
        assert self.candidate is not None
        return replace(self, candidate=self.candidate.all_proven())

    def without_candidate(self, at: datetime) -> "Deployment":
        """Of a rollout that does not go on: what was proven of it retires. The others nobody was ever led to."""
        retired = _retired(self.candidate.proven, at) if self.candidate else ()
        return replace(self, candidate=None, retiring=self.retiring + retired)

    def with_canary(self, canary: Canary) -> "Deployment":
        """The candidate, which was proven, gets its share of the requests."""
        assert self.candidate is not None
        return replace(self, candidate=self.candidate.all_proven(), canary=canary)

    def unlabelled(self, metric: str) -> CanaryLabels | None:
        """What labels tell of the canary before there are any; None without a canary."""
        if self.canary is None or self.candidate is None or self.serving is None:
            return None
        return CanaryLabels(self.name, self.canary.began, self.serving.version, self.candidate.version, metric)

    def unwanted(self, wish: Wish) -> "Deployment":
        """Somebody wants the canary to be rolled back; whoever came first is named."""
        if self.canary is None or self.canary.unwanted is not None:
            return self
        return replace(self, canary=replace(self.canary, unwanted=wish))

    def gave_way(self, at: datetime) -> "Deployment":
        """The canary retires; what serves goes on alone."""
        assert self.candidate is not None
        retired = _retired(self.candidate.replicas, at)
        return replace(self, candidate=None, canary=None, retiring=self.retiring + retired)

    def rolled_back(self, reason: str, at: datetime) -> "Deployment":
        """As `gave_way`, and the target has failed."""
        return self.gave_way(at).with_failure("rolled_back", reason, at)

    def with_failure(self, cause: EndCause, message: str, at: datetime) -> "Deployment":
        """How the target ended."""
        return replace(self, failure=Failure(self.target.version, cause, message, at))

    def failed(self, target: Target, cause: FailureCause, message: str, at: datetime) -> "Deployment":
        """Its candidate is none any more; that of another target stays. Only the failure of the newest target is
        remembered."""
        failure = Failure(target.version, cause, message, at) if target == self.target else self.failure
        ended = self.without_candidate(at) if self.candidate_of(target) else self
        return replace(ended, failure=failure)

    def with_replica(self, changed: Replica) -> "Deployment":
        """The replica of the same name, wherever it stands by now, is as `changed` says."""
        return replace(
            self,
            serving=self.serving.with_replica(changed) if self.serving else None,
            candidate=self.candidate.with_replica(changed) if self.candidate else None,
            retiring=updated(self.retiring, changed),
        )

    def without(self, name: str) -> "Deployment":
        """A retired replica is gone."""
        return replace(self, retiring=tuple(replica for replica in self.retiring if replica.name != name))

    def _new_replica(self, version: int, ports: Ports, terms: Terms) -> Replica:
        """Its name is never used again, whatever becomes of it."""
        name = f"{self.name}-v{version}-{self.replicas_made + 1}"
        slot = free_slot(self.replicas, version, terms.group) if terms.group else 0
        return Replica(name, self.name, version, *ports, shard=free_shard(self.replicas), terms=terms, slot=slot)


def _retired(replicas: Iterable[Replica], at: datetime) -> tuple[Replica, ...]:
    return tuple(replace(replica, retired_at=at) for replica in replicas)


def ports_in_use(deployments: Iterable[Deployment]) -> set[int]:
    return {port for deployment in deployments for replica in deployment.replicas for port in replica.ports}
