"""The metrics by which a binary classifier is judged, for one sample or for thousands of resamples at once.

A resample is a column of weights: how often each row of the sample was drawn. One sort of the scores serves them all,
so a metric of `b` resamples of `n` rows costs O(n log n + b n), and is exactly that of the drawn rows written out.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EPSILON: Final = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 before a logarithm is taken: the convention of
`sklearn.metrics.log_loss`."""


class NotMeasurable(ValueError):
    """These labels and probabilities do not define the metrics."""


def checked(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both as float64 of one length, or `NotMeasurable` that says which rule they break."""
    y = np.asarray(labels, dtype=np.float64)
    p = np.asarray(probabilities, dtype=np.float64)
    if y.ndim != 1 or y.shape != p.shape:
        raise NotMeasurable(
            f"labels of shape {y.shape!r} and probabilities of shape {p.shape!r} do not pair: give [n], [n]"
        )
    if not np.isin(y, (0.0, 1.0)).all():
        raise NotMeasurable("labels must be 0 or 1: map other codes, and drop rows without a label, before judging")
    if y.size == 0 or y.min() == y.max():
        raise NotMeasurable(
            f"{y.size!r} rows with fewer than two labels: neither AUC nor KS is defined, judge more rows"
        )
    if not ((p >= 0.0) & (p <= 1.0)).all():
        raise NotMeasurable("probabilities must lie in [0, 1]: was a raw margin or NaN given?")
    return y, p


def metrics(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> dict[str, float]:
    """`auc`, `ks`, `brier`, `log_loss` and `average_precision` of one sample.

    Raises `NotMeasurable` for fewer than two labels, labels other than 0 and 1, or probabilities outside [0, 1].
    """
    y, p = checked(labels, probabilities)
    once = np.ones((y.size, 1))
    return {name: float(metric(y, p)(once)[0]) for name, metric in METRICS.items()}


def better(metric: str, difference: float) -> float:
    """The difference, signed so that more than 0 is an improvement: of Brier score, log-loss, cost less is better."""
    return -difference if metric in ("brier", "log_loss", "cost") else difference


Weighted = Callable[[Floats], Floats]
"""Weights [n, b] of the resamples -> the metric [b] of each; NaN where a resample holds one label only."""


def _auc(y: Floats, p: Floats) -> Weighted:
    """Area under the ROC curve as P(score of a 1 > score of a 0) + P(equal)/2: Mann and Whitney 1947, Bamber 1975."""
    positives, negatives = np.flatnonzero(y == 1.0), np.flatnonzero(y == 0.0)
    negatives = negatives[np.argsort(p[negatives], kind="stable")]
    lower = np.searchsorted(p[negatives], p[positives], side="left")
    lower_or_equal = np.searchsorted(p[negatives], p[positives], side="right")

    def measure(weights: Floats) -> Floats:
        beaten = np.zeros((negatives.size + 1, weights.shape[1]))
        np.cumsum(weights[negatives], axis=0, out=beaten[1:])
        wins = (beaten[lower] + beaten[lower_or_equal]) / 2
        drawn = weights[positives]
        return _divide(np.einsum("nb,nb->b", drawn, wins), drawn.sum(axis=0) * beaten[-1])

    return measure


def _ks(y: Floats, p: Floats) -> Weighted:
    """Largest distance between the score distributions of both labels: the two-sample Kolmogorov-Smirnov statistic."""
    order = np.argsort(p, kind="stable")
    ones = y[order][:, np.newaxis] == 1.0
    last_of_score = np.flatnonzero(np.append(np.diff(p[order]) > 0, True))

    def measure(weights: Floats) -> Floats:
        positives = y @ weights
        negatives = weights.sum(axis=0) - positives
        one, zero = np.ones_like(positives), np.ones_like(negatives)
        steps = weights[order] * np.where(ones, _divide(one, positives), -_divide(zero, negatives))
        np.cumsum(steps, axis=0, out=steps)
        distances: Floats = np.abs(steps[last_of_score]).max(axis=0)
        return distances

    return measure


def mean_of(loss: Floats) -> Weighted:
    """The mean of a loss [n] that each row has by itself."""

    def measure(weights: Floats) -> Floats:
        return _divide(loss @ weights, weights.sum(axis=0))

    return measure


def _brier(y: Floats, p: Floats) -> Weighted:
    """Mean squared distance of the probability from what happened: Brier 1950."""
    return mean_of((p - y) ** 2)


def _log_loss(y: Floats, p: Floats) -> Weighted:
    """Mean negative logarithm of the probability given to what happened."""
    kept = np.clip(p, EPSILON, 1.0 - EPSILON)
    return mean_of(-(y * np.log(kept) + (1.0 - y) * np.log(1.0 - kept)))


def _average_precision(y: Floats, p: Floats) -> Weighted:
    """Mean precision at each positive, from the highest score down, without interpolation; ties are one step.

    The convention of `sklearn.metrics.average_precision_score`. A random order has the share of positives.
    """
    found = _found(y, p)

    def measure(weights: Floats) -> Floats:
        rows, positives = found(weights)
        recalled = np.diff(positives, axis=0)
        precision = _divide(positives[1:], rows[1:])
        return _divide(np.einsum("nb,nb->b", recalled, np.nan_to_num(precision)), positives[-1])

    return measure


def precision_at(budget: float, y: Floats, p: Floats) -> Weighted:
    """Share of positives among the rows with the highest scores, as many as the budget, a share of rows, allows.

    Of rows with one score that only partly fit, each is as likely to be taken as the others.
    """
    at = _at_budget(budget, y, p)

    def measure(weights: Floats) -> Floats:
        taken, caught, _ = at(weights)
        return _divide(caught, taken)

    return measure


def recall_at(budget: float, y: Floats, p: Floats) -> Weighted:
    """Share of all positives that are among those rows."""
    at = _at_budget(budget, y, p)

    def measure(weights: Floats) -> Floats:
        _, caught, positives = at(weights)
        return _divide(caught, positives)

    return measure


def _at_budget(budget: float, y: Floats, p: Floats) -> Callable[[Floats], tuple[Floats, Floats, Floats]]:
    found = _found(y, p)

    def count(weights: Floats) -> tuple[Floats, Floats, Floats]:
        rows, positives = found(weights)
        taken = budget * rows[-1]
        caught = np.array([np.interp(t, r, c) for t, r, c in zip(taken, rows.T, positives.T, strict=True)])
        return taken, caught, positives[-1]

    return count


def _found(y: Floats, p: Floats) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Rows and positives, both [s + 1, b], with at least each of the s scores: first none, then from the top down."""
    order = np.argsort(-p, kind="stable")
    last_of_score = np.flatnonzero(np.append(np.diff(p[order]) < 0, True))
    ones = y[order][:, np.newaxis]

    def count(weights: Floats) -> tuple[Floats, Floats]:
        drawn = weights[order]
        none = np.zeros((1, drawn.shape[1]))
        rows = np.cumsum(drawn, axis=0)[last_of_score]
        positives = np.cumsum(drawn * ones, axis=0)[last_of_score]
        return np.concatenate([none, rows]), np.concatenate([none, positives])

    return count


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0)


METRICS: Final[dict[str, Callable[[Floats, Floats], Weighted]]] = {
    "auc": _auc,
    "ks": _ks,
    "brier": _brier,
    "log_loss": _log_loss,
    "average_precision": _average_precision,
}
"""Each takes labels [n] and probabilities [n], sorts them once, and returns what measures any number of resamples."""
