"""Whether labels show that a version has become worse, beyond chance, than it was when its labels began to come."""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from murmur_monitor.domain.episodes import Episode
from murmur_monitor.domain.looks import Looks
from murmur_monitor.domain.quality import LESS_IS_BETTER, Interval, MetricName, Quality


@dataclass(frozen=True)
class Baseline:
    """What a version is held to: its own first window with enough labels, of which it follows further labels.

    Not the metrics of its registration: those are of other people, with another share of positives, and whatever
    training chose to log; a version that was bad from the start is the validator's and the canary's to find.
    """

    metric: MetricName
    start: datetime
    value: Interval
    labelled: int


@dataclass(frozen=True)
class Limits:
    """What a workflow allows. confidence: of the intervals; (1 - confidence) / 2 is the error rate of a window."""

    metric: MetricName
    max_loss: float
    min_labelled: int
    confidence: float = 0.95


class QualityOutcome(StrEnum):
    DEGRADED = "degraded"
    """The whole interval of the loss, as wide as this look asks for, is beyond what is allowed."""
    HELD = "held"
    """Compared, and that is not so."""
    BASELINE = "baseline"
    """Later windows are compared with this one."""
    BETWEEN_LOOKS = "between_looks"
    """Judged before by fewer labels; what was found then stands until it is looked at again."""
    NOT_JUDGED = "not_judged"
    """Too few labels, or the metric is not defined; the detail says so."""


@dataclass(frozen=True)
class Judgement:
    outcome: QualityOutcome
    detail: str

    @property
    def bad(self) -> bool | None:
        """None where it says nothing."""
        match self.outcome:
            case QualityOutcome.DEGRADED:
                return True
            case QualityOutcome.HELD:
                return False
            case QualityOutcome.BASELINE | QualityOutcome.BETWEEN_LOOKS | QualityOutcome.NOT_JUDGED:
                return None


def judge(
    quality: Quality, start: datetime, baseline: Baseline | None, limits: Limits, looks: Looks, *, answered: int
) -> Judgement:
    """By the interval of the metric that the limits name. A baseline of another metric is none.

    looks: those taken of this window so far; this is one more where it ends as degraded or held
    answered: predictions of the window that may still get a label
    """
    name = limits.metric.replace("_", " ")
    if quality.labelled < limits.min_labelled:
        return Judgement(
            QualityOutcome.NOT_JUDGED, f"too few labels: {quality.labelled:,}, {limits.min_labelled:,} are needed"
        )
    if quality.interval is None:
        return Judgement(
            QualityOutcome.NOT_JUDGED, f"{name} is not defined by the {quality.labelled:,} labels there are"
        )
    measured = f"{name} {quality.interval} in {quality.labelled:,} labels"
    if baseline is None or baseline.metric != limits.metric or baseline.start == start:
        return Judgement(
            QualityOutcome.BASELINE, f"{measured}: the first window with enough, later ones are compared with it"
        )
    if not looks.due(quality.labelled, answered):
        return Judgement(QualityOutcome.BETWEEN_LOOKS, f"{measured}: judged by {looks.labels:,} of them")
    loss = lost(baseline.value, quality.interval, limits.metric).widened(looks.widening(limits.confidence))
    detail = f"{measured}, {baseline.value} in the first window with enough: {loss} lost, {limits.max_loss:g} allowed"
    return Judgement(QualityOutcome.DEGRADED if loss.low > limits.max_loss else QualityOutcome.HELD, detail)


def lost(before: Interval, now: Interval, metric: MetricName) -> Interval:
    """How much worse `now` is, more than 0 is worse, with the interval of a difference of two independent estimates.

    From the intervals of the two by the method of variance estimates recovery (Zou and Donner 2008), which keeps to
    skewed intervals such as those near 1.
    """
    worse, better = (now, before) if metric in LESS_IS_BETTER else (before, now)
    value = worse.value - better.value
    low = value - math.hypot(worse.value - worse.low, better.high - better.value)
    high = value + math.hypot(worse.high - worse.value, better.value - better.low)
    return Interval(value, low, high)


@dataclass(frozen=True, kw_only=True)
class Degradation(Episode):
    """A time of fallen quality, with the evidence of the window that opened it."""

    metric: MetricName
    value: Interval
    baseline: float
    max_loss: float
    labelled: int
    detail: str

    @property
    def alert(self) -> str:
        return f"degraded/{self.deployment}/{self.id}"
