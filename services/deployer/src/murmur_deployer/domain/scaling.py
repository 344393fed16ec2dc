"""How many replicas the load takes: more within seconds, fewer after a while, and not to and fro."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from murmur_deployer.domain.rules import DeploymentRules
from murmur_deployer.domain.traffic import Load

Cause = Literal["rate", "latency", "idle", "settings"]

_LOOKS = 3
"""So many looks in a row, a second each, must agree: one slow second is none."""
_PATIENCE = 5.0
"""Seconds between two steps for latency: the replicas of the first must have had time to help."""
_ROOM = 0.8
"""Of their limit, what fewer replicas may be loaded with, or the next breath of wind would bring the last one back."""


@dataclass(frozen=True)
class Decision:
    """rate: requests a second now. p99: milliseconds."""

    size: int
    cause: Cause
    detail: str
    rate: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Scale:
    """What is remembered of one deployment between two looks.

    size, since: how many replicas were decided, and when
    loads:       of the last looks, oldest first, one a second
    limit:       requests a second of one replica at which it was known to be too slow; the model tells, nobody else
    """

    size: int
    since: float
    loads: tuple[Load, ...] = ()
    limit: float | None = None

    def seen(self, load: Load, rules: DeploymentRules) -> "Scale":
        oldest = load.at - rules.autoscaling.idle - 1
        loads = (*(each for each in self.loads if each.at >= oldest), load)
        limit = self.limit
        if limit is not None and load.p99 is not None and load.p99 <= rules.autoscaling.latency_p99:
            limit = max(limit, load.rate / self.size)
        return replace(self, loads=loads, limit=limit)

    def resized(self, decision: Decision, at: float) -> "Scale":
        limit = self.limit
        if decision.cause == "latency" and decision.rate is not None:
            limit = decision.rate / self.size
        return replace(self, size=decision.size, since=at, limit=limit)


def within(size: int, rules: DeploymentRules) -> Decision | None:
    """What people want, load or no load."""
    wanted = min(max(size, rules.replicas), rules.most)
    if wanted == size:
        return None
    bounds = f"{rules.replicas}" if rules.most == rules.replicas else f"{rules.replicas} to {rules.most}"
    return Decision(wanted, "settings", f"the workflow wants {bounds} (revision {rules.revision})")


def decide(scale: Scale, rules: DeploymentRules, *, ready: bool) -> Decision | None:
    """The next size within what people want, if it should be another. ready: all replicas answer already."""
    recent = scale.loads[-_LOOKS:]
    if len(recent) < _LOOKS:
        return None
    return _more(scale, rules, recent, ready=ready) or _fewer(scale, rules, recent)


def _more(scale: Scale, rules: DeploymentRules, recent: Sequence[Load], *, ready: bool) -> Decision | None:
    aims, now = rules.autoscaling, recent[-1].at
    rate, p99 = _mean(recent), recent[-1].p99
    if scale.size >= rules.most:
        return None
    if aims.rate is not None and rate > aims.rate * scale.size:
        size = min(math.ceil(rate / aims.rate), rules.most)
        return Decision(size, "rate", f"{rate:,.0f}/s, {aims.rate:,g}/s a replica are meant", rate, p99)
    slow = min((load.p99 or 0.0) for load in recent)
    # Where even slow answers leave replicas idle, it is the model that takes so long: another would not help.
    busy = rate * slow / 1000 >= scale.size / 2
    if ready and busy and slow > aims.latency_p99 and now - scale.since >= _PATIENCE:
        detail = f"p99 {slow:,.0f} ms for {_LOOKS} s, {aims.latency_p99:,g} ms are meant"
        return Decision(scale.size + 1, "latency", detail, rate, p99)
    return None


def _fewer(scale: Scale, rules: DeploymentRules, recent: Sequence[Load]) -> Decision | None:
    """One at a time, each after all of `idle` in which one fewer would have done, seen in enough looks to say so."""
    aims, now, fewer = rules.autoscaling, recent[-1].at, scale.size - 1
    watched = [load for load in scale.loads if load.at >= now - aims.idle]
    if fewer < rules.replicas or now - scale.since < aims.idle or scale.loads[0].at > now - aims.idle:
        return None
    if len(watched) < _LOOKS:  # looks that had to wait, as where the front door is slow, lie far apart
        return None
    peak = max(_mean(watched[end - _LOOKS : end]) for end in range(_LOOKS, len(watched) + 1))
    limits = [limit for limit in (aims.rate, scale.limit) if limit is not None]
    if any(peak > _ROOM * limit * fewer for limit in limits):
        return None
    if any(load.p99 is not None and load.p99 > aims.latency_p99 for load in watched):
        return None
    detail = f"at most {peak:,.0f}/s in {aims.idle:g} s, for which {fewer} suffice"
    return Decision(fewer, "idle", detail, _mean(recent), recent[-1].p99)


def _mean(loads: Sequence[Load]) -> float:
    return sum(load.rate for load in loads) / len(loads)
