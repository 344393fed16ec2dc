"""The verdict as a function of numbers: every rule, at its edge and beside it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmur_validator.domain.findings import figures, losses, untested
from murmur_validator.domain.judgement import Judgement, Outcome, Rules, judge
from murmur_validator.domain.measurements import Estimate, Group, Measurements, Metric

RULES = Rules(primary=Metric.AUC, minimum_auc=0.7, confidence=0.95, max_slice_loss=0.05, min_slice_rows=200)


def around(value: float, reach: float) -> Estimate:
    return Estimate(value=value, low=value - reach, high=value + reach)


def measured(
    *,
    auc: float = 0.78,
    difference: Estimate | None = None,
    groups: tuple[Group, ...] = (),
    metric: Metric = Metric.AUC,
) -> Measurements:
    own = {name: around(0.4, 0.02) for name in Metric} | {Metric.AUC: around(auc, 0.02)}
    differences = {name: around(0.0, 0.01) for name in Metric} | {metric: difference} if difference else {}
    return Measurements(
        rows=1000,
        positives=220,
        left_out=0,
        candidate=own,
        baseline=own if difference else {},
        differences=differences,
        columns=("sex",),
        groups=groups,
    )


def group(candidate: float | None, baseline: float | None, *, rows: int = 1000) -> Group:
    return Group(column="sex", value="female", rows=rows, candidate_auc=candidate, baseline_auc=baseline)


def failed(judgement: Judgement) -> list[str]:
    return [check.name for check in judgement.checks if not check.passed]


@pytest.mark.parametrize(("auc", "outcome"), [(0.70, Outcome.FIRST), (0.6999, Outcome.FAILED)])
def test_a_first_version_needs_the_minimum(auc: float, outcome: Outcome) -> None:
    assert judge(measured(auc=auc), RULES, baseline=None).outcome is outcome


@pytest.mark.parametrize(
    ("difference", "outcome"),
    [
        (Estimate(value=0.012, low=0.004, high=0.020), Outcome.BETTER),
        (Estimate(value=0.012, low=0.0, high=0.024), Outcome.NOT_BETTER),
        (Estimate(value=-0.012, low=-0.020, high=-0.004), Outcome.NOT_BETTER),
    ],
)
def test_better_means_that_the_whole_interval_is_above_zero(difference: Estimate, outcome: Outcome) -> None:
    assert judge(measured(difference=difference), RULES, baseline=3).outcome is outcome


@pytest.mark.parametrize("primary", [Metric.BRIER, Metric.LOG_LOSS])
def test_of_brier_score_and_log_loss_less_is_better(primary: Metric) -> None:
    rules = replace(RULES, primary=primary)
    down = measured(difference=Estimate(value=-0.01, low=-0.02, high=-0.001), metric=primary)
    up = measured(difference=Estimate(value=0.01, low=0.001, high=0.02), metric=primary)
    assert judge(down, rules, baseline=1).outcome is Outcome.BETTER
    assert judge(up, rules, baseline=1).outcome is Outcome.NOT_BETTER


@pytest.mark.parametrize(("candidate", "outcome"), [(0.7501, Outcome.BETTER), (0.7499, Outcome.FAILED)])
def test_no_group_may_lose_more_than_allowed(candidate: float, outcome: Outcome) -> None:
    found = measured(difference=around(0.02, 0.01), groups=(group(candidate, 0.80),))
    judgement = judge(found, RULES, baseline=1)
    assert judgement.outcome is outcome
    assert failed(judgement) == ([] if outcome is Outcome.BETTER else ["slice_loss sex=female"])


def test_a_group_that_could_not_be_tested_fails_nothing_and_is_named() -> None:
    found = measured(difference=around(0.02, 0.01), groups=(group(None, None, rows=38), group(None, None, rows=962)))
    assert judge(found, RULES, baseline=1).outcome is Outcome.BETTER
    assert untested(found, RULES) == (
        "Groups of fewer than 200 rows: sex=female (38).",
        "Groups in which all rows have the same label: sex=female (962).",
    )


def test_the_summary_names_the_minimum_first_then_the_comparison() -> None:
    found = measured(auc=0.6, difference=around(-0.02, 0.01), groups=(group(0.6, 0.8),))
    judgement = judge(found, RULES, baseline=1)
    assert judgement.outcome is Outcome.FAILED
    assert judgement.summary.startswith("failed minimum_auc: auc 0.600, at least 0.70 asked (and 2 more")
    judgement = judge(replace(found, candidate={**found.candidate, Metric.AUC: around(0.8, 0.01)}), RULES, baseline=1)
    assert judgement.outcome is Outcome.NOT_BETTER
    assert judgement.summary.startswith("not better than v1: auc -0.020 [-0.030, -0.010] (and 1 more")


def test_the_summaries_read_as_people_say_them() -> None:
    better = judge(measured(difference=Estimate(value=0.012, low=0.004, high=0.02)), RULES, baseline=1)
    assert better.summary == "better than v1: auc +0.012 [+0.004, +0.020]"
    assert judge(measured(auc=0.771), RULES, baseline=None).summary == "first version: auc 0.771 (minimum 0.70)"


@given(
    value=st.floats(-0.2, 0.2),
    reach=st.floats(0.0001, 0.2),
    auc=st.floats(0.5, 1.0),
    loss=st.floats(-0.2, 0.2),
)
def test_nothing_is_promoted_with_a_failed_check(value: float, reach: float, auc: float, loss: float) -> None:
    found = measured(auc=auc, difference=around(value, reach), groups=(group(0.8 - loss, 0.8),))
    judgement = judge(found, RULES, baseline=1)
    assert (judgement.outcome is Outcome.BETTER) == (not failed(judgement))
    if judgement.outcome is Outcome.BETTER:
        assert value - reach > 0
        assert auc >= RULES.minimum_auc


def test_three_numbers_carry_the_verdict_the_primary_first() -> None:
    compared = figures(measured(difference=around(0.02, 0.01)), replace(RULES, primary=Metric.BRIER))
    assert [figure.metric for figure in compared] == [Metric.BRIER, Metric.AUC, Metric.KS]
    assert [figure.word for figure in compared] == [
        "no difference beyond chance",
        "better",
        "no difference beyond chance",
    ]
    alone = figures(measured(), RULES)
    assert [(figure.metric, figure.against) for figure in alone] == [
        (Metric.AUC, 0.7),
        (Metric.KS, None),
        (Metric.BRIER, None),
    ]


def test_losses_name_metrics_beyond_chance_first_and_then_groups_by_size() -> None:
    found = replace(
        measured(groups=(group(0.79, 0.80), replace(group(0.70, 0.80), value="male"), group(0.9, 0.8))),
        differences={
            Metric.AUC: around(-0.001, 0.01),
            Metric.KS: around(0.02, 0.01),
            Metric.BRIER: around(0.02, 0.01),
            Metric.LOG_LOSS: around(-0.02, 0.01),
        },
    )
    assert [(loss.what, loss.certain) for loss in losses(found)] == [
        ("Brier score", True),
        ("AUC", False),
        ("AUC of sex=male (1,000 rows)", None),
        ("AUC of sex=female (1,000 rows)", None),
    ]


def test_what_has_no_value_was_left_out_or_has_no_baseline_is_named_as_untested() -> None:
    found = replace(measured(groups=(group(0.8, None, rows=700),)), left_out=50)
    told = " ".join(untested(found, RULES))
    assert "300 rows have no value of sex" in told
    assert "50 rows of the holdout" in told
    assert "none in production" in told
    assert "names no slices" in " ".join(untested(replace(found, columns=(), groups=()), RULES))
