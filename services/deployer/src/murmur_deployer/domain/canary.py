"""A canary: a new version that gets a growing share of the requests while it is compared with the one that serves."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from murmur_deployer.domain.sequential import Comparison, Tally
from murmur_deployer.domain.traffic import Buckets, minus

SLOW = 0.95
"""Slower than so large a share of the stable version's requests is slow."""
_ENOUGH = 100
"""Requests of the stable version that tell what is slow."""
MOST_RESTARTS = 3
"""A canary whose replicas ended more often by themselves is rolled back without any statistics."""

RollbackCause = Literal["canary", "person"]


@dataclass(frozen=True)
class Counts:
    """What replicas have counted. latency: milliseconds. outputs: one of each request, so that requests that Envoy has
    shared at random are compared, however many rows alike are in one."""

    requests: int = 0
    errors: int = 0
    latency: Buckets = ()
    outputs: Buckets = ()

    def minus(self, before: "Counts") -> "Counts":
        """What came since `before`."""
        return Counts(
            self.requests - before.requests,
            self.errors - before.errors,
            minus(self.latency, before.latency),
            minus(self.outputs, before.outputs),
        )

    def began_after(self, before: "Counts") -> bool:
        """Something is less than before, which is so only of a replica that has begun anew."""
        since = self.minus(before)
        counts = (since.requests, since.errors, *(count for _, count in (*since.latency, *since.outputs)))
        return min(counts) < 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(
            self.requests + other.requests,
            self.errors + other.errors,
            _added(self.latency, other.latency),
            _added(self.outputs, other.outputs),
        )


@dataclass(frozen=True)
class Evidence:
    """What is known of both versions since the canary began. slow_ms: the bound beyond which a request is slow, fixed
    once by what the stable version had done before."""

    stable: Counts = Counts()
    canary: Counts = Counts()
    errors: Comparison = field(default_factory=Comparison)
    latency: Comparison = field(default_factory=Comparison)
    slow_ms: float | None = None
    looks: int = 0

    def seen(self, stable: Counts, canary: Counts, *, steady: bool = True) -> "Evidence":
        """With what came since the last look. steady: no replica has begun anew, which is slow at first."""
        latency = self.latency
        if steady and self.slow_ms is not None:
            slow = (_slower(stable.latency, self.slow_ms), _slower(canary.latency, self.slow_ms))
            latency = latency.seen(*slow, together=True)
        total = self.stable.plus(stable)
        return replace(
            self,
            stable=total,
            canary=self.canary.plus(canary),
            errors=self.errors.seen(Tally(stable.requests, stable.errors), Tally(canary.requests, canary.errors)),
            latency=latency,
            slow_ms=self.slow_ms if self.slow_ms is not None else _usual(total.latency),
            looks=self.looks + 1,
        )


@dataclass(frozen=True)
class Wish:
    """Somebody wants the canary to be rolled back."""

    by: str
    cause: RollbackCause
    reason: str


@dataclass(frozen=True)
class Canary:
    """began: when it got its first share. since: when its step began, which counts from 0. weight: its share of the
    requests; 0: copies of all of them. evidence: as it stood when the step began."""

    weight: float
    began: datetime
    since: datetime
    step: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    unwanted: Wish | None = None


def _slower(latency: Buckets, bound: float) -> Tally:
    total = latency[-1][1] if latency else 0
    within = dict(latency).get(bound, total)
    return Tally(total, total - within)


def _usual(latency: Buckets) -> float | None:
    """The smallest bound within which 95 % were answered; None of too few to tell."""
    total = latency[-1][1] if latency else 0
    return next((bound for bound, count in latency if total >= _ENOUGH and count >= SLOW * total), None)


def _added(one: Buckets, other: Buckets) -> Buckets:
    if not one or not other:
        return one or other
    known = dict(other)
    return tuple((bound, count + known.get(bound, 0)) for bound, count in one)
