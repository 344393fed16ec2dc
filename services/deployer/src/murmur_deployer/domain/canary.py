"""A canary: a new version that gets a growing share of the requests while it is compared with the one that serves."""

import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from murmur_deployer.domain.rules import CanaryRules
from murmur_deployer.domain.sequential import Comparison, Tally, shift
from murmur_deployer.domain.traffic import Buckets, minus

Aspect = Literal["errors", "latency", "outputs"]
_ASPECTS = 4
"""The false alarms are shared among so many tests: these three, and quality where labels exist."""
_INDEPENDENT = 5.0
"""As so many independent requests counts one second at most, where latency is concerned: a pause slows all of them."""
_SLOW = 0.95
"""Slower than so large a share of the stable version's requests is slow."""
_ENOUGH = 100
"""Requests of the stable version that tell what is slow."""
MOST_RESTARTS = 3
"""A canary whose replicas ended more often by themselves is rolled back without any statistics."""

RollbackCause = Literal["canary", "degraded", "person"]


@dataclass(frozen=True)
class Counts:
    """What replicas have counted. latency: milliseconds. outputs: what was answered."""

    requests: int = 0
    errors: int = 0
    latency: Buckets = ()
    outputs: Buckets = ()

    def minus(self, before: "Counts") -> "Counts":
        """What came since `before`; all of it where the replica has begun anew meanwhile."""
        if self.requests < before.requests:
            return self
        return Counts(
            self.requests - before.requests,
            self.errors - before.errors,
            minus(self.latency, before.latency),
            minus(self.outputs, before.outputs),
        )

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
            latency = latency.seen(*slow, most=_INDEPENDENT)
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
    """step counts from 0. weight: its share of the requests; 0: copies of all of them. evidence: as it stood when the
    step began."""

    weight: float
    since: datetime
    step: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    unwanted: Wish | None = None


@dataclass(frozen=True)
class TestResult:
    """Of one aspect. statistic beyond threshold: certain; `worse` only where it is also beyond what is borne."""

    __test__ = False

    aspect: Aspect
    stable: float | None
    canary: float | None
    statistic: float
    threshold: float
    decision: Literal["worse", "not_worse", "not_tested"]
    detail: str


Verdict = Literal["wait", "advance", "finish", "roll_back"]


@dataclass(frozen=True)
class Judgement:
    """late: the step waits for requests longer than it should."""

    verdict: Verdict
    tests: tuple[TestResult, ...]
    detail: str
    late: bool = False


def judge(canary: Canary, evidence: Evidence, rules: CanaryRules, now: datetime) -> Judgement:
    """After a look. A step ends only with enough requests of both: silence is no verdict."""
    tests = (_errors(evidence, rules), _latency(evidence, rules), _outputs(evidence, rules))
    if worse := [test for test in tests if test.decision == "worse"]:
        return Judgement("roll_back", tests, "; ".join(f"{test.aspect}: {test.detail}" for test in worse))
    rows = evidence.canary.requests - canary.evidence.canary.requests
    others = evidence.stable.requests - canary.evidence.stable.requests
    waited = now - canary.since
    enough = min(rows, others) >= rules.min_rows
    lasts = rules.step_time if canary.weight else rules.shadow_time
    if not enough or waited < timedelta(seconds=lasts):
        detail = f"{rows:,} requests of the canary and {others:,} of the stable version, {rules.min_rows:,} are needed"
        return Judgement("wait", tests, detail, late=not enough and waited > timedelta(seconds=rules.deadline))
    share = f"at {canary.weight:.0%}" if canary.weight else "in the shadow"
    detail = f"{rows:,} requests {share}, no worse than {others:,} of the stable version"
    last = canary.step + 1 >= len(rules.steps)
    return Judgement("finish" if last else "advance", tests, detail)


def _errors(evidence: Evidence, rules: CanaryRules) -> TestResult:
    found, threshold = evidence.errors, _threshold(rules)
    excess = found.canary.share - found.stable.share
    worse = found.evidence >= threshold and excess > rules.max_error_increase
    detail = f"{found.canary.share:.2%} of the requests fail, {found.stable.share:.2%} of the stable version's"
    return TestResult(
        "errors", found.stable.share, found.canary.share, found.evidence, threshold, _decided(worse), detail
    )


def _latency(evidence: Evidence, rules: CanaryRules) -> TestResult:
    found, threshold = evidence.latency, _threshold(rules)
    slow = max(found.stable.share, 1 - _SLOW)
    if evidence.slow_ms is None or not found.canary.trials:
        return TestResult("latency", None, None, 0.0, threshold, "not_tested", "no requests to compare yet")
    worse = found.evidence >= threshold and found.canary.share > rules.max_latency_factor * slow
    detail = (
        f"{found.canary.share:.1%} take longer than {evidence.slow_ms:g} ms, {found.stable.share:.1%} of the stable"
        " version's"
    )
    return TestResult(
        "latency", found.stable.share, found.canary.share, found.evidence, threshold, _decided(worse), detail
    )


def _outputs(evidence: Evidence, rules: CanaryRules) -> TestResult:
    """A new version is meant to answer otherwise: only what is certainly beyond a gross bound counts."""
    distance, certain = shift(
        _per_bucket(evidence.stable.outputs),
        _per_bucket(evidence.canary.outputs),
        look=max(1, evidence.looks),
        alpha=rules.false_alarm / _ASPECTS,
    )
    worse = certain > rules.max_shift
    detail = f"outputs are {distance:.2f} apart (Kolmogorov's distance), {certain:.2f} of it certain"
    return TestResult("outputs", None, distance, certain, rules.max_shift, _decided(worse), detail)


def _threshold(rules: CanaryRules) -> float:
    return math.log(_ASPECTS / rules.false_alarm)


def _decided(worse: bool) -> Literal["worse", "not_worse"]:
    return "worse" if worse else "not_worse"


def _slower(latency: Buckets, bound: float) -> Tally:
    total = latency[-1][1] if latency else 0
    within = dict(latency).get(bound, total)
    return Tally(total, total - within)


def _usual(latency: Buckets) -> float | None:
    """The smallest bound within which 95 % were answered; None of too few to tell."""
    total = latency[-1][1] if latency else 0
    return next((bound for bound, count in latency if total >= _ENOUGH and count >= _SLOW * total), None)


def _added(one: Buckets, other: Buckets) -> Buckets:
    if not one or not other:
        return one or other
    known = dict(other)
    return tuple((bound, count + known.get(bound, 0)) for bound, count in one)


def _per_bucket(cumulated: Buckets) -> tuple[int, ...]:
    counts = [count for _, count in cumulated]
    return tuple(after - before for before, after in zip([0, *counts], counts, strict=False))
