"""The verdict: from measurements and the workflow's rules to one word, with every check that led to it.

Errors
------
Unjudgeable   the measurements cannot be made at all; carries the check that failed
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from murmur_validator.domain.measurements import Estimate, Measurements, Metric


class Outcome(StrEnum):
    BETTER = "better"
    """Every check holds, and the primary metric's difference is on the good side of 0 with its whole interval."""
    NOT_BETTER = "not_better"
    """Good enough by itself, but the candidate does not beat the baseline beyond chance."""
    FIRST = "first"
    """There is no baseline; every check holds."""
    FAILED = "failed"
    """A check failed, or the candidate could not be judged."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a wrong answer costs; false_negative may name the column with the amount at stake in each row."""

    false_positive: float
    false_negative: float | str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the workflow asks of a candidate (`validation:` in workflow.yaml)."""

    primary: Metric
    minimum_auc: float
    confidence: float
    max_slice_loss: float
    min_slice_rows: int
    costs: Costs | None = None
    alert_budget: float | None = None

    @property
    def rare_positives(self) -> bool:
        """Whether the workflow judges as people do who look for a few among many."""
        return bool(self.costs or self.alert_budget or self.primary is Metric.AVERAGE_PRECISION)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One rule, what was found, and whether it held."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    outcome: Outcome
    summary: str
    checks: tuple[Check, ...]


class Unjudgeable(Exception):
    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.check = Check(name=name, passed=False, detail=detail)


MINIMUM_AUC = "minimum_auc"
BETTER_THAN_BASELINE = "better_than_baseline"


def judge(measured: Measurements, rules: Rules, *, baseline: int | None) -> Judgement:
    """baseline: the version in production; None when there is none, and then `measured` holds no differences.

    Of several failed checks the summary names the first: the minimum, then the comparison, then slices.
    """
    checks = tuple(_checks(measured, rules, baseline))
    failed = [check for check in checks if not check.passed]
    more = f" (and {len(failed) - 1} more checks failed)" if len(failed) > 1 else ""
    first = failed[0] if failed else None
    if first is not None and first.name != BETTER_THAN_BASELINE:
        summary = f"failed {first.name}: {first.detail}{more}"
        return Judgement(outcome=Outcome.FAILED, summary=summary, checks=checks)
    if baseline is None:
        auc = measured.candidate[Metric.AUC].value
        summary = f"first version: auc {auc:.3f} (minimum {rules.minimum_auc:.2f})"
        if rules.primary is not Metric.AUC:
            summary += f", {rules.primary} {measured.candidate[rules.primary].value:.{digits_of(rules.primary)}f}"
        return Judgement(outcome=Outcome.FIRST, summary=summary, checks=checks)
    outcome, words = (Outcome.NOT_BETTER, "not better") if first else (Outcome.BETTER, "better")
    difference = signed(measured.differences[rules.primary], rules.primary)
    summary = f"{words} than v{baseline}: {rules.primary} {difference}{more}"
    return Judgement(outcome=outcome, summary=summary, checks=checks)


def not_judged(failed: Check, *before: Check) -> Judgement:
    """The verdict about a candidate that could not be measured."""
    return Judgement(outcome=Outcome.FAILED, summary=f"could not be judged: {failed.detail}", checks=(*before, failed))


def is_better(metric: Metric, difference: Estimate) -> bool:
    """The whole interval lies on the good side of 0."""
    return difference.high < 0 if metric.less_is_better else difference.low > 0


def is_worse(metric: Metric, difference: Estimate) -> bool:
    """The whole interval lies on the bad side of 0."""
    return difference.low > 0 if metric.less_is_better else difference.high < 0


def signed(estimate: Estimate, metric: Metric) -> str:
    """As in `+0.012 [+0.004, +0.020]`; costs as in `-210 [-262, -158]`."""
    digits = digits_of(metric)
    return f"{estimate.value:+.{digits}f} [{estimate.low:+.{digits}f}, {estimate.high:+.{digits}f}]"


def digits_of(metric: Metric) -> int:
    """How many decimal places a sentence gives of it."""
    return 0 if metric is Metric.COST else 3


def _checks(measured: Measurements, rules: Rules, baseline: int | None) -> Iterator[Check]:
    auc = measured.candidate[Metric.AUC].value
    yield Check(
        name=MINIMUM_AUC,
        passed=auc >= rules.minimum_auc,
        detail=f"auc {auc:.3f}, at least {rules.minimum_auc:.2f} asked",
    )
    if baseline is None:
        return
    primary = rules.primary
    side = "below" if primary.less_is_better else "above"
    yield Check(
        name=BETTER_THAN_BASELINE,
        passed=is_better(primary, measured.differences[primary]),
        detail=(
            f"{primary} {signed(measured.differences[primary], primary)} against v{baseline}, the whole"
            f" {rules.confidence:.0%}"
            f" interval {side} 0 asked"
        ),
    )
    for group in measured.groups:
        if group.loss is not None:
            yield Check(
                name=f"slice_loss {group.name}",
                passed=group.loss <= rules.max_slice_loss,
                detail=(
                    f"auc {group.candidate_auc:.3f}, {-group.loss:+.3f} against v{baseline} ({group.rows:,} rows),"
                    f" a loss of {rules.max_slice_loss:g} at most allowed"
                ),
            )
