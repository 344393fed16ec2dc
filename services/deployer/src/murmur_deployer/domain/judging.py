"""What is made of a canary's evidence at each look: one test an aspect, and what follows for its step."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from murmur_deployer.domain.canary import SLOW, Canary, Evidence
from murmur_deployer.domain.quality import CanaryLabels
from murmur_deployer.domain.rules import CanaryRules
from murmur_deployer.domain.sequential import shift
from murmur_deployer.domain.traffic import Buckets

Aspect = Literal["errors", "latency", "outputs", "quality"]
_ASPECTS = 4
"""The false alarms are shared among so many tests."""


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
    """late: the step waits for requests or labels longer than it should."""

    verdict: Verdict
    tests: tuple[TestResult, ...]
    detail: str
    late: bool = False


def judge(
    canary: Canary,
    evidence: Evidence,
    labels: CanaryLabels | None,
    rules: CanaryRules,
    now: datetime,
    *,
    missing: int = 0,
) -> Judgement:
    """After a look. A step ends only with enough requests of both: silence is no verdict.

    missing: so many replicas lacks the canary, or they do not answer, to take what all requests need.
    """
    tests = (
        _errors(evidence, rules),
        _latency(evidence, rules),
        _outputs(evidence, rules),
        _quality(labels, rules),
    )
    if worse := [test for test in tests if test.decision == "worse"]:
        return Judgement("roll_back", tests, "; ".join(f"{test.aspect}: {test.detail}" for test in worse))
    rows = evidence.canary.requests - canary.evidence.canary.requests
    others = evidence.stable.requests - canary.evidence.stable.requests
    waited = now - canary.since
    if lacks := _lacks(rows, others, labels, rules):
        return Judgement("wait", tests, lacks, late=waited > timedelta(seconds=rules.deadline))
    lasts = rules.step_time if canary.weight else rules.shadow_time
    if waited < timedelta(seconds=lasts):
        return Judgement("wait", tests, f"{waited.total_seconds():.0f} s of {lasts:g} s have passed")
    if missing:
        lacks = f"{missing} of the canary's replicas {'does' if missing == 1 else 'do'} not answer yet"
        return Judgement("wait", tests, lacks, late=waited > timedelta(seconds=rules.deadline))
    share = f"at {canary.weight:.0%}" if canary.weight else "in the shadow"
    detail = f"{rows:,} requests {share}, no worse than {others:,} of the stable version"
    detail += "".join(f"; {test.detail}" for test in tests if test.aspect == "quality" and test.decision == "not_worse")
    last = canary.step + 1 >= len(rules.steps)
    return Judgement("finish" if last else "advance", tests, detail)


def _lacks(rows: int, others: int, labels: CanaryLabels | None, rules: CanaryRules) -> str:
    """What a step needs and does not have yet, in words."""
    if min(rows, others) < rules.min_rows:
        return f"{rows:,} requests of the canary and {others:,} of the stable version, {rules.min_rows:,} are needed"
    if rules.quality.labels == "wait" and (labels is None or labels.look is None):
        stable, canary = (0, 0) if labels is None else labels.labels
        return (
            f"{canary:,} labels of the canary and {stable:,} of the stable version in the same windows,"
            f" {rules.quality.min_labelled:,} are needed"
        )
    return ""


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
    slow = max(found.stable.share, 1 - SLOW)
    if evidence.slow_ms is None or not found.canary.trials:
        return _not_tested("latency", "no requests to compare yet")
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


def _quality(labels: CanaryLabels | None, rules: CanaryRules) -> TestResult:
    """By the newest look at what labels tell, where there was one."""
    if rules.quality.labels == "ignore":
        return _not_tested("quality", "labels are ignored")
    if labels is None or not min(labels.labels):
        return _not_tested("quality", "no labels yet")
    found, name = labels.look, rules.quality.metric.replace("_", " ")
    if found is None:
        count, needed = min(labels.labels), rules.quality.min_labelled
        return _not_tested("quality", f"too few labels: {count:,}, {needed:,} are needed")
    threshold = found.threshold(rules.false_alarm / _ASPECTS)
    worse = found.statistic > threshold and found.loss > rules.quality.max_loss
    detail = (
        f"{name} {found.canary:.3f}, {found.stable:.3f} of the stable version in the same windows,"
        f" by {found.labels:,} labels of each or more"
    )
    return TestResult("quality", found.stable, found.canary, found.statistic, threshold, _decided(worse), detail)


def _not_tested(aspect: Aspect, why: str) -> TestResult:
    return TestResult(aspect, None, None, 0.0, 0.0, "not_tested", why)


def _threshold(rules: CanaryRules) -> float:
    return math.log(_ASPECTS / rules.false_alarm)


def _decided(worse: bool) -> Literal["worse", "not_worse"]:
    return "worse" if worse else "not_worse"


def _per_bucket(cumulated: Buckets) -> tuple[int, ...]:
    counts = [count for _, count in cumulated]
    return tuple(after - before for before, after in zip([0, *counts], counts, strict=False))
