"""Replicas as the record knows them: places where a version answers, and the version that several of them serve."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True)
class ProcessId:
    """One process for ever: pids are used again, but not with the same time of creation (seconds since 1970)."""

    pid: int
    created: float


@dataclass(frozen=True)
class Terms:
    """What a replica is told when it starts; other terms take another replica.

    logged: the share of its requests that it keeps in the prediction log
    nice:   its priority, from 0 (as everything else) to 19 (after everything else)
    group:  of the deployments whose replicas share processes; None: it has one for itself
    """

    logged: float = 1.0
    nice: int = 0
    group: str | None = None


@dataclass(frozen=True)
class Replica:
    """One model server on this machine: with two ports, and in a process.

    process: None while it was decided, but is not known to have been started; others of its group may be in the same
    proven:  it has answered the known rows as training did, so that the front door may lead to it
    shard:   no other living replica of the deployment logs under this number
    slot:    the number of the group's process that it is in; no other living replica of the version is there
    ended:   how often it has ended by itself, or had to be
    """

    name: str
    deployment: str
    version: int
    http_port: int
    grpc_port: int
    process: ProcessId | None = None
    retired_at: datetime | None = None
    proven: bool = False
    shard: int = 0
    terms: Terms = Terms()
    ended: int = 0
    slot: int = 0

    @property
    def ports(self) -> tuple[int, int]:
        return (self.http_port, self.grpc_port)


@dataclass(frozen=True)
class ServedVersion:
    """A version and the replicas that answer for it, oldest first."""

    version: int
    replicas: tuple[Replica, ...] = ()

    @property
    def proven(self) -> tuple[Replica, ...]:
        return tuple(replica for replica in self.replicas if replica.proven)

    def with_replica(self, changed: Replica) -> "ServedVersion":
        """The replica of the same name stands as `changed` says, save that it may have retired meanwhile."""
        return replace(self, replicas=updated(self.replicas, changed))

    def all_proven(self) -> "ServedVersion":
        return replace(self, replicas=tuple(replace(replica, proven=True) for replica in self.replicas))

    def without(self, names: Sequence[str]) -> "ServedVersion":
        return replace(self, replicas=tuple(each for each in self.replicas if each.name not in names))


def updated(replicas: Sequence[Replica], changed: Replica) -> tuple[Replica, ...]:
    """Process, ports and proof are those of `changed`, where its name is; when it retired is the record's business."""
    return tuple(
        replace(changed, retired_at=replica.retired_at) if replica.name == changed.name else replica
        for replica in replicas
    )


def free_shard(taken: Sequence[Replica]) -> int:
    """The smallest number that none of them has."""
    return _free({replica.shard for replica in taken})


def free_slot(taken: Sequence[Replica], version: int, group: str | None) -> int:
    """The process of the group with the smallest number that has not got this version yet: two of it in one would be
    no more than one."""
    return _free({each.slot for each in taken if (each.version, each.terms.group) == (version, group)})


def _free(numbers: set[int]) -> int:
    return next(number for number in range(len(numbers) + 1) if number not in numbers)
