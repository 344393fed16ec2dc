"""What wrong answers cost, and from which probability it pays to flag a row.

With c the cost of a row flagged in vain and a the amount at stake in a positive row, a threshold t costs the sum of c
over negatives with p >= t and of a over positives with p < t. The threshold of least cost is chosen among the scores
themselves, from rows with labels (Elkan, The Foundations of Cost-Sensitive Learning, 2001, for c and a that are known).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from murmur_events.workflows import Costs
from murmur_training.evaluation.metrics import Floats, NotMeasurable, Weighted, checked, mean_of

PER_ROWS = 1000
"""Costs are told for so many rows."""
UNDECIDED = 0.5
"""From which probability a version flags that has no threshold of its own."""


@dataclass(frozen=True)
class Prices:
    """What a wrong answer costs in each row: false_negative [n] is looked at in positive rows only."""

    false_positive: float
    false_negative: Floats


def price(frame: pd.DataFrame, costs: Costs) -> Prices:
    """The costs of these rows. Raises NotMeasurable where a column is not there or holds no amounts."""
    at_stake = costs.false_negative
    if not isinstance(at_stake, str):
        return Prices(costs.false_positive, np.full(len(frame), float(at_stake)))
    if at_stake not in frame.columns:
        raise NotMeasurable(f"costs name the column {at_stake!r}, which is not there: name a feature or give an amount")
    amounts = frame[at_stake].to_numpy(dtype=np.float64)
    if not (np.isfinite(amounts) & (amounts >= 0)).all():
        raise NotMeasurable(
            f"the column {at_stake!r} is what a false negative costs, but holds values that are missing or below 0:"
            f" give amounts of at least 0"
        )
    return Prices(costs.false_positive, amounts)


def expected_cost(labels: npt.ArrayLike, probabilities: npt.ArrayLike, prices: Prices, threshold: float) -> Weighted:
    """What measures, for any number of resamples, the cost of 1,000 such rows at this threshold."""
    y, p = checked(labels, probabilities)
    return mean_of(PER_ROWS * _losses(y, p, prices, threshold))


def least_cost_threshold(labels: npt.ArrayLike, probabilities: npt.ArrayLike, prices: Prices) -> float:
    """The threshold at which these rows cost least; of several such the largest, which flags fewest.

    Where flagging nothing costs least it is just above the largest score, or 1.
    """
    y, p = checked(labels, probabilities)
    thresholds, costs = cost_curve(y, p, prices)
    return float(thresholds[np.flatnonzero(costs == costs.min())[-1]])


def cost_curve(labels: npt.ArrayLike, probabilities: npt.ArrayLike, prices: Prices) -> tuple[Floats, Floats]:
    """Every threshold that makes a difference, from the lowest, and the cost of 1,000 rows at each."""
    y, p = checked(labels, probabilities)
    order = np.argsort(p, kind="stable")
    scores = p[order]
    missed = np.concatenate([[0.0], np.cumsum(np.where(y == 1.0, prices.false_negative, 0.0)[order])])
    spared = np.concatenate([[0.0], np.cumsum(np.where(y == 0.0, prices.false_positive, 0.0)[order])])
    costs = (missed + spared[-1] - spared) * (PER_ROWS / y.size)
    first_of_score = np.concatenate([[0], np.flatnonzero(np.diff(scores) > 0) + 1, [y.size]])
    above_all = min(float(np.nextafter(scores[-1], 2.0)), 1.0)
    thresholds = np.append(scores, above_all)[first_of_score]
    if scores[-1] == 1.0:  # from 1 on these rows are flagged by any threshold that is a probability
        first_of_score, thresholds = first_of_score[:-1], thresholds[:-1]
    return thresholds, costs[first_of_score]


def _losses(y: Floats, p: Floats, prices: Prices, threshold: float) -> Floats:
    in_vain, missed = (y == 0.0) & (p >= threshold), (y == 1.0) & (p < threshold)
    return np.where(in_vain, prices.false_positive, np.where(missed, prices.false_negative, 0.0))
