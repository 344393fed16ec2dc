"""Costs, labels and probabilities in -> what wrong answers cost, and the threshold at which they cost least."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmur_events.workflows import Costs
from murmur_training import Rows, TrainingContext
from murmur_training.evaluation import METRICS, NotMeasurable, differences, precision_at, pricing, recall_at

LABELS = np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0])
SCORES = np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.9])
AMOUNTS = pd.DataFrame({"amount": [10.0, 10.0, 40.0, 10.0, 100.0, 300.0]})
ONCE = np.ones((6, 1))


def cost_at(threshold: float, prices: pricing.Prices) -> float:
    return float(pricing.expected_cost(LABELS, SCORES, prices, threshold)(ONCE)[0])


def test_a_row_flagged_in_vain_costs_one_price_and_a_missed_one_its_amount() -> None:
    prices = pricing.price(AMOUNTS, Costs(false_positive=5, false_negative="amount"))
    assert cost_at(0.5, prices) == pytest.approx((5 + 40) / 6 * 1000)
    assert cost_at(0.0, prices) == pytest.approx(3 * 5 / 6 * 1000)
    assert cost_at(1.0, prices) == pytest.approx(440 / 6 * 1000)


def test_one_amount_may_stand_for_all_rows() -> None:
    prices = pricing.price(AMOUNTS, Costs(false_positive=5, false_negative=50))
    assert cost_at(0.5, prices) == pytest.approx((5 + 50) / 6 * 1000)


@pytest.mark.parametrize(
    ("false_positive", "chosen"),
    [
        (5, 0.3),  # a call of 5 is worth making for an amount of 40
        (41, 0.7),  # one of 41 is not
        (0, 0.3),
    ],
)
def test_the_threshold_is_the_one_of_least_cost(false_positive: float, chosen: float) -> None:
    prices = pricing.price(AMOUNTS, Costs(false_positive=false_positive, false_negative="amount"))
    assert pricing.least_cost_threshold(LABELS, SCORES, prices) == chosen


def test_where_no_flag_pays_none_is_raised() -> None:
    prices = pricing.price(AMOUNTS, Costs(false_positive=1e6, false_negative=1))
    flagged_last = pricing.least_cost_threshold(1 - LABELS, SCORES, prices)
    assert flagged_last > SCORES.max()
    assert flagged_last <= 1


@given(data=st.data())
def test_no_threshold_costs_less_than_the_chosen_one(data: st.DataObject) -> None:
    count = data.draw(st.integers(3, 30))
    draws = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    labels = np.append([0.0, 1.0], draws.integers(0, 2, count - 2)).astype(float)
    scores = draws.integers(0, 11, count) / 10
    prices = pricing.Prices(float(draws.integers(0, 20)), draws.integers(0, 100, count).astype(float))

    chosen = pricing.least_cost_threshold(labels, scores, prices)

    def cost(threshold: float) -> float:
        return float(pricing.expected_cost(labels, scores, prices, threshold)(np.ones((count, 1)))[0])

    assert cost(chosen) == pytest.approx(min(cost(tenth / 20) for tenth in range(21)))
    thresholds, costs = pricing.cost_curve(labels, scores, prices)
    assert costs == pytest.approx([cost(threshold) for threshold in thresholds])


def test_a_difference_of_costs_is_paired_and_each_model_has_its_threshold() -> None:
    prices = pricing.price(AMOUNTS, Costs(false_positive=5, false_negative="amount"))
    ours = pricing.expected_cost(LABELS, SCORES, prices, 0.3)
    same = differences(LABELS, SCORES, SCORES, more={"cost": (ours, ours)}, resamples=50)["cost"]
    assert (same.value, same.low, same.high) == (0, 0, 0)
    theirs = pricing.expected_cost(LABELS, SCORES, prices, 1.0)
    better = differences(LABELS, SCORES, SCORES, more={"cost": (ours, theirs)}, resamples=200)["cost"]
    assert better.value == pytest.approx((5 - 440) / 6 * 1000)
    assert better.low <= better.value <= better.high


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (AMOUNTS.rename(columns={"amount": "price"}), "the column 'amount', which is not there"),
        (AMOUNTS.assign(amount=[1, 2, 3, 4, 5, -6]), "missing or below 0"),
        (AMOUNTS.assign(amount=[1, 2, 3, 4, 5, np.nan]), "missing or below 0"),
    ],
)
def test_what_is_no_amount_is_refused(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(NotMeasurable, match=said):
        pricing.price(frame, Costs(false_positive=5, false_negative="amount"))


def test_precision_and_recall_are_of_the_rows_that_can_be_looked_at() -> None:
    assert precision_at(0.5, LABELS, SCORES)(ONCE)[0] == pytest.approx(2 / 3)
    assert recall_at(0.5, LABELS, SCORES)(ONCE)[0] == pytest.approx(2 / 3)
    assert recall_at(1 / 6, LABELS, SCORES)(ONCE)[0] == pytest.approx(1 / 3)


def test_rows_of_one_score_are_taken_as_likely_as_each_other() -> None:
    same = np.full(6, 0.5)
    assert precision_at(0.5, LABELS, same)(ONCE)[0] == pytest.approx(0.5)
    assert recall_at(0.5, LABELS, same)(ONCE)[0] == pytest.approx(0.5)


def test_weights_mean_the_same_as_rows_written_out() -> None:
    draws = np.random.default_rng(3)
    labels, scores = draws.integers(0, 2, 200).astype(float), draws.integers(0, 30, 200) / 30
    counts = draws.integers(0, 4, (200, 2)).astype(float)
    for measure in (precision_at, recall_at):
        measured = measure(0.1, labels, scores)(counts)
        for column in range(2):
            drawn = np.repeat(np.arange(200), counts[:, column].astype(int))
            whole = measure(0.1, labels[drawn], scores[drawn])(np.ones((drawn.size, 1)))
            assert measured[column] == pytest.approx(whole[0])


def test_a_random_order_has_the_average_precision_of_the_share_of_positives() -> None:
    draws = np.random.default_rng(4)
    labels = (draws.random(20_000) < 0.05).astype(float)
    ones = np.ones((labels.size, 1))
    assert METRICS["average_precision"](labels, draws.random(labels.size))(ones)[0] == pytest.approx(0.05, abs=0.01)


def rows() -> Rows:
    return Rows(X=AMOUNTS, y=pd.Series(LABELS), identity=pd.Series(range(6)))


def test_train_chooses_a_threshold_by_the_costs_of_the_workflow() -> None:
    context = TrainingContext(train=rows(), costs=Costs(false_positive=41, false_negative="amount"))
    context.use_threshold(context.least_cost_threshold(context.train, SCORES))
    assert context.threshold == 0.7


def test_without_costs_there_is_nothing_to_choose_by() -> None:
    context = TrainingContext(train=rows())
    with pytest.raises(ValueError, match=r"add validation\.costs to workflow\.yaml"):
        context.least_cost_threshold(context.train, SCORES)
    assert context.threshold is None


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_a_probability(threshold: float) -> None:
    with pytest.raises(ValueError, match="is no probability"):
        TrainingContext(train=rows()).use_threshold(threshold)
