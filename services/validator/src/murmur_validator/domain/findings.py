"""What a reviewer must not overlook: what carried the verdict, what got worse, and what nobody could test."""

from collections.abc import Sequence
from dataclasses import dataclass

from murmur_validator.domain.judgement import Rules, is_better, is_worse
from murmur_validator.domain.measurements import Estimate, Group, Measurements, Metric


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number that carried the verdict. against: what it is compared with, 0 for a difference."""

    metric: Metric
    estimate: Estimate
    against: float | None
    is_difference: bool
    word: str
    worse: bool = False


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Something that got worse. certain: beyond chance, by its interval; None: it has no interval of its own."""

    what: str
    amount: str
    certain: bool | None


def figures(measured: Measurements, rules: Rules) -> tuple[Figure, ...]:
    """Three: the primary metric first. Differences where there is a baseline, else the candidate's own."""
    chosen = by_weight(measured, rules)[:3]
    if measured.differences:
        return tuple(
            Figure(
                metric=metric,
                estimate=measured.differences[metric],
                against=0.0,
                is_difference=True,
                word=_word(metric, measured.differences[metric]),
                worse=is_worse(metric, measured.differences[metric]),
            )
            for metric in chosen
        )
    return tuple(
        Figure(
            metric=metric,
            estimate=measured.candidate[metric],
            against=rules.minimum_auc if metric is Metric.AUC else None,
            is_difference=False,
            word=f"minimum {rules.minimum_auc:.2f}" if metric is Metric.AUC else "no minimum asked",
        )
        for metric in chosen
    )


def by_weight(measured: Measurements, rules: Rules) -> list[Metric]:
    """What was measured, the primary metric first.

    Where positives are rare, what they cost and whom people will look at says more than an AUC.
    """
    rare = (Metric.COST, Metric.PRECISION, Metric.AVERAGE_PRECISION) if rules.rare_positives else ()
    order = dict.fromkeys((rules.primary, *rare, *Metric))
    return [metric for metric in order if metric in measured.candidate]


def losses(measured: Measurements) -> tuple[Loss, ...]:
    """Metrics first, those beyond chance before the others; then groups, the largest loss first."""
    metrics = [
        Loss(
            what=metric.label,
            amount=_amount(difference, metric),
            certain=is_worse(metric, difference),
        )
        for metric, difference in measured.differences.items()
        if (difference.value > 0 if metric.less_is_better else difference.value < 0)
    ]
    losing = [(group.loss, group) for group in measured.groups if group.loss is not None and group.loss > 0]
    losing.sort(key=lambda pair: -pair[0])
    groups = [
        Loss(what=f"AUC of {group.name} ({group.rows:,} rows)", amount=f"{-loss:+.4f}", certain=None)
        for loss, group in losing
    ]
    return (*sorted(metrics, key=lambda loss: not loss.certain), *groups)


def untested(measured: Measurements, rules: Rules) -> tuple[str, ...]:
    """In sentences."""
    found = []
    if not measured.differences:
        found.append("Whether it is better than another version: there is none in production.")
    if measured.left_out:
        found.append(
            f"{measured.left_out:,} rows of the holdout: the baseline was trained on them, so they are in no number."
        )
    for version in measured.assumed:
        found.append(f"What v{version} costs where it flags: it has no threshold, so that one half is taken.")
    unknown = [group for group in measured.groups if group.candidate_auc is None]
    if few := [group for group in unknown if group.rows < rules.min_slice_rows]:
        found.append(f"Groups of fewer than {rules.min_slice_rows:,} rows: {_listed(few)}.")
    if uniform := [group for group in unknown if group.rows >= rules.min_slice_rows]:
        found.append(f"Groups in which all rows have the same label: {_listed(uniform)}.")
    for column in measured.columns:
        if missing := measured.rows_without(column):
            found.append(f"{missing:,} rows have no value of {column}, so they are in none of its groups.")
    if not measured.columns:
        found.append("Whether groups of people are treated alike: the workflow names no slices.")
    return tuple(found)


def _amount(difference: Estimate, metric: Metric) -> str:
    digits = 1 if metric is Metric.COST else 4
    return f"{difference.value:+.{digits}f} [{difference.low:+.{digits}f}, {difference.high:+.{digits}f}]"


def _listed(groups: Sequence[Group]) -> str:
    return ", ".join(f"{group.name} ({group.rows:,})" for group in groups)


def _word(metric: Metric, difference: Estimate) -> str:
    if is_better(metric, difference):
        return "better"
    return "worse" if is_worse(metric, difference) else "no difference beyond chance"
