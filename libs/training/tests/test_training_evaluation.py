"""Labels and probabilities -> numbers, against scikit-learn, against theory, and against rows written out."""

import time

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn_metrics
from sklearn.calibration import calibration_curve as sklearn_calibration

from murmur_training.evaluation import (
    METRICS,
    NotMeasurable,
    better,
    calibration_curve,
    differences,
    intervals,
    metrics,
    slices,
)


def scored(rows: int, *, seed: int = 0, signal: float = 0.3, ties: bool = False):
    """Labels of one in four, and probabilities that know something of them."""
    draws = np.random.default_rng(seed)
    labels = (draws.random(rows) < 0.25).astype(float)
    probabilities = np.clip(0.25 + signal * (labels - 0.25) + 0.15 * draws.standard_normal(rows), 0.001, 0.999)
    return labels, np.round(probabilities, 2) if ties else probabilities


@pytest.mark.parametrize("ties", [False, True])
def test_metrics_agree_with_scikit_learn(ties: bool) -> None:
    labels, probabilities = scored(3000, ties=ties)
    fpr, tpr, _ = sklearn_metrics.roc_curve(labels, probabilities)

    found = metrics(labels, probabilities)

    assert found["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(labels, probabilities), abs=1e-12)
    assert found["ks"] == pytest.approx(np.max(tpr - fpr), abs=1e-12)
    assert found["brier"] == pytest.approx(sklearn_metrics.brier_score_loss(labels, probabilities), abs=1e-12)
    assert found["log_loss"] == pytest.approx(sklearn_metrics.log_loss(labels, probabilities), abs=1e-12)
    assert found["average_precision"] == pytest.approx(
        sklearn_metrics.average_precision_score(labels, probabilities), abs=1e-12
    )


def test_certain_and_wrong_costs_much_but_not_infinity() -> None:
    found = metrics([0, 1], [1.0, 0.0])
    assert found["log_loss"] == pytest.approx(sklearn_metrics.log_loss([0, 1], [1.0, 0.0]))
    assert found["auc"] == 0.0


@pytest.mark.parametrize("name", METRICS)
def test_weights_mean_the_same_as_rows_written_out(name: str) -> None:
    labels, probabilities = scored(300, ties=True)
    counts = np.random.default_rng(5).integers(0, 4, size=(300, 3)).astype(float)

    measured = METRICS[name](labels, probabilities)(counts)

    for column in range(3):
        drawn = np.repeat(np.arange(300), counts[:, column].astype(int))
        assert measured[column] == pytest.approx(metrics(labels[drawn], probabilities[drawn])[name], abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "probabilities", "reason"),
    [
        ([0, 1], [0.5], "do not pair"),
        ([0, 2], [0.5, 0.5], "must be 0 or 1"),
        ([0, np.nan], [0.5, 0.5], "must be 0 or 1"),
        ([1, 1], [0.5, 0.5], "fewer than two labels"),
        ([], [], "fewer than two labels"),
        ([0, 1], [0.5, 1.5], "must lie in"),
        ([0, 1], [0.5, np.nan], "must lie in"),
    ],
)
def test_what_defines_no_metric_is_refused(labels, probabilities, reason: str) -> None:
    with pytest.raises(NotMeasurable, match=reason):
        metrics(labels, probabilities)


def test_identical_models_differ_by_exactly_nothing() -> None:
    labels, probabilities = scored(500)
    for interval in differences(labels, probabilities, probabilities).values():
        assert (interval.value, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_the_same_arguments_give_the_same_interval() -> None:
    labels, probabilities = scored(500)
    _, others = scored(500, seed=1, signal=0.1)
    assert differences(labels, probabilities, others) == differences(labels, probabilities, others)


def test_a_clearly_better_model_is_better_in_every_metric() -> None:
    labels, good = scored(2000, signal=0.6)
    poor = np.clip(good + 0.3 * np.random.default_rng(2).standard_normal(2000), 0.001, 0.999)
    for name, interval in differences(labels, good, poor).items():
        assert better(name, interval.low) > 0
        assert better(name, interval.high) > 0


def test_swapping_the_models_mirrors_the_interval() -> None:
    labels, ours = scored(400)
    theirs = np.roll(ours, 1)
    there, back = differences(labels, ours, theirs)["auc"], differences(labels, theirs, ours)["auc"]
    assert there.low == pytest.approx(-back.high)
    assert there.high == pytest.approx(-back.low)


def test_the_interval_is_as_wide_as_theory_says() -> None:
    """The standard error of a difference of paired AUCs by DeLong, DeLong and Clarke-Pearson 1988."""
    labels, ours = scored(3000)
    theirs = np.clip(ours + 0.1 * np.random.default_rng(3).standard_normal(3000), 0.001, 0.999)

    interval = differences(labels, ours, theirs)["auc"]

    assert (interval.high - interval.low) / 2 == pytest.approx(1.96 * delong_error(labels, ours, theirs), rel=0.08)


def test_a_95_percent_interval_covers_the_truth_about_95_times_in_100() -> None:
    draws = np.random.default_rng(11)
    population, ours = scored(200_000, seed=12)
    theirs = np.clip(ours + 0.1 * draws.standard_normal(ours.size), 0.001, 0.999)
    truth = metrics(population, ours)["auc"] - metrics(population, theirs)["auc"]

    covered = 0
    for trial in range(200):
        seen = draws.integers(0, population.size, 400)
        interval = differences(population[seen], ours[seen], theirs[seen], resamples=300, seed=trial)["auc"]
        covered += interval.low <= truth <= interval.high

    # 200 trials of 0.95 have a standard deviation of 1.5 %; percentile intervals of small samples cover a little less.
    assert 0.89 <= covered / 200 <= 0.99


def test_rows_that_come_in_threes_make_intervals_too_narrow_as_is_documented() -> None:
    """What is known of 400 rows is known of 400, however often they stand there: by the root of three."""
    labels, ours = scored(400)
    _, theirs = scored(400, seed=8)
    once = differences(labels, ours, theirs)["brier"]
    thrice = differences(*(np.repeat(each, 3) for each in (labels, ours, theirs)))["brier"]
    assert thrice.value == pytest.approx(once.value)
    assert (once.high - once.low) / (thrice.high - thrice.low) == pytest.approx(3**0.5, rel=0.05)


def test_each_metric_lies_inside_its_own_interval() -> None:
    labels, probabilities = scored(800)
    for interval in intervals(labels, probabilities).values():
        assert interval.low < interval.value < interval.high


def test_resamples_with_one_label_only_are_left_out() -> None:
    labels = np.array([1.0] + [0.0] * 9)
    interval = intervals(labels, np.linspace(0.9, 0.1, 10), resamples=200)["auc"]
    assert interval.value == interval.low == interval.high == 1.0


def test_2000_resamples_of_6000_rows_for_two_models_take_seconds() -> None:
    labels, ours = scored(6000)
    _, theirs = scored(6000, seed=1)
    started = time.process_time()
    differences(labels, ours, theirs)
    assert time.process_time() - started < 8


def test_the_calibration_curve_agrees_with_scikit_learn() -> None:
    labels, probabilities = scored(5000)
    observed, predicted = sklearn_calibration(labels, probabilities, n_bins=10, strategy="quantile")

    curve = calibration_curve(labels, probabilities, bins=10)

    assert [point.observed for point in curve] == pytest.approx(observed, abs=5e-3)
    assert [point.predicted for point in curve] == pytest.approx(predicted, abs=5e-3)
    assert sum(point.rows for point in curve) == 5000


def test_rows_of_one_probability_stay_in_one_bin() -> None:
    labels = np.array([0, 1] * 50)
    (point,) = calibration_curve(labels, np.full(100, 0.3))
    assert (point.predicted, point.observed, point.rows) == (pytest.approx(0.3), 0.5, 100)


def test_slices_are_judged_by_themselves_and_small_ones_are_not() -> None:
    labels, ours = scored(1000)
    theirs = 1.0 - ours
    frame = pd.DataFrame({"sex": ["f"] * 600 + ["m"] * 400, "school": [2.0] * 950 + [3.0] * 50})

    found = {(one.column, one.value): one for one in slices(frame, ("sex", "school"), labels, ours, baseline=theirs)}

    women = found["sex", "f"]
    assert women.rows == 600
    assert women.candidate_auc == pytest.approx(sklearn_metrics.roc_auc_score(labels[:600], ours[:600]))
    assert women.candidate_auc + women.baseline_auc == pytest.approx(1.0)
    assert found["school", "3"].rows == 50
    assert found["school", "3"].candidate_auc is None


def test_a_slice_with_one_label_has_no_auc() -> None:
    labels = np.array([1.0] * 300 + [0.0] * 300)
    frame = pd.DataFrame({"group": [1] * 300 + [2] * 300})
    assert [one.candidate_auc for one in slices(frame, ("group",), labels, labels)] == [None, None]


def test_without_a_baseline_slices_name_none() -> None:
    labels, ours = scored(500)
    (one,) = slices(pd.DataFrame({"all": ["x"] * 500}), ("all",), labels, ours)
    assert one.baseline_auc is None
    assert one.candidate_auc is not None


def delong_error(labels, ours, theirs) -> float:
    def placements(scores):
        ones, zeros = scores[labels == 1], scores[labels == 0]
        beats = (ones[:, None] > zeros[None, :]) + 0.5 * (ones[:, None] == zeros[None, :])
        return beats.mean(axis=1), beats.mean(axis=0)

    (ones_a, zeros_a), (ones_b, zeros_b) = placements(ours), placements(theirs)
    ones, zeros = ones_a - ones_b, zeros_a - zeros_b
    return float(np.sqrt(ones.var(ddof=1) / ones.size + zeros.var(ddof=1) / zeros.size))
