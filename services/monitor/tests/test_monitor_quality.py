"""Metrics against scikit-learn's, and intervals that hold what they promise."""

import numpy as np
import pytest
from label_facts import Population
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from murmur_monitor.domain.quality import Floats, LabelledRows, MetricName, measure


def rows(outputs: Floats | list[float], labels: Floats | list[float], *, clicks: bool = False) -> LabelledRows:
    values = np.asarray(labels, dtype=np.float64)
    return LabelledRows(np.asarray(outputs, dtype=np.float64), values, np.full(len(values), clicks), len(values))


@pytest.mark.parametrize("count", [60, 2_000, 30_000])
def test_metrics_are_those_of_scikit_learn(count: int) -> None:
    outputs, labels = Population(count).rows(count)
    found = measure(rows(outputs, labels), judged="auc", confidence=0.95, seed=1).metrics
    tolerance = 1e-9 if count < 4_000 else 1e-3  # beyond, neighbours share a bin
    assert found["auc"] == pytest.approx(roc_auc_score(labels, outputs), abs=tolerance)
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, outputs), abs=tolerance)
    assert found["log_loss"] == pytest.approx(log_loss(labels, outputs))
    assert found["brier"] == pytest.approx(brier_score_loss(labels, outputs))
    assert "click_through_rate" not in found


def test_rare_positives_keep_their_precision_when_bins_are_shared() -> None:
    random = np.random.default_rng(3)
    labels = (random.random(100_000) < 0.002).astype(float)
    outputs = 1 / (1 + np.exp(-random.normal(labels * 4 - 6, 1.0)))
    found = measure(rows(outputs, labels), judged="average_precision", confidence=0.95, seed=1)
    assert found.metrics["average_precision"] == pytest.approx(average_precision_score(labels, outputs), abs=0.01)


def test_ties_count_as_scikit_learn_counts_them() -> None:
    outputs = [0.2, 0.2, 0.2, 0.9, 0.9, 0.1]
    labels = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]
    found = measure(rows(outputs, labels), judged="auc", confidence=0.95, seed=1).metrics
    assert found["auc"] == pytest.approx(roc_auc_score(labels, outputs))
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, outputs))


def test_clicks_make_a_click_through_rate() -> None:
    quality = measure(
        rows([0.5] * 8, [1, 0, 0, 0] * 2, clicks=True), judged="click_through_rate", confidence=0.9, seed=1
    )
    assert quality.metrics["click_through_rate"] == 0.25
    assert quality.interval is not None
    assert quality.interval.low < 0.25 < quality.interval.high


def test_what_labels_do_not_define_is_left_out() -> None:
    one_kind = measure(rows([0.2, 0.4], [1.0, 1.0]), judged="auc", confidence=0.95, seed=1)
    assert (sorted(one_kind.metrics), one_kind.interval) == (["brier", "log_loss"], None)
    ratings = measure(rows([0.2, 0.4], [4.0, 5.0]), judged="auc", confidence=0.95, seed=1)
    assert (ratings.labelled, ratings.metrics) == (2, {})
    margins = measure(rows([-2.0, 3.0], [0.0, 1.0]), judged="auc", confidence=0.95, seed=1)
    assert sorted(margins.metrics) == ["auc", "average_precision"]
    assert measure(rows([], []), judged="auc", confidence=0.95, seed=1).metrics == {}


def test_the_same_seed_gives_the_same_interval() -> None:
    outputs, labels = Population(5).rows(500)
    first, again, other = (
        measure(rows(outputs, labels), judged="auc", confidence=0.95, seed=seed).interval for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("metric", ["auc", "average_precision", "brier", "log_loss"])
def test_an_interval_holds_the_truth_as_often_as_it_says(metric: MetricName) -> None:
    """Of 100 windows of 400 rows, the 90 % interval must hold the metric of the whole population about 90 times."""
    population = Population(11)
    truth = measure(rows(*population.rows(400_000)), judged=metric, confidence=0.9, seed=0).metrics[metric]
    held = 0
    for seed in range(100):
        interval = measure(rows(*population.rows(400)), judged=metric, confidence=0.9, seed=seed).interval
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert 80 <= held <= 98, held
