"""How good predictions were, now that their labels are known: metrics of one window, one of them with its interval."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from murmur_monitor.domain.resampling import interval_of_mean, interval_of_ranking

Floats = npt.NDArray[np.float64]
MetricName = Literal["average_precision", "auc", "log_loss", "brier", "click_through_rate"]

LESS_IS_BETTER: frozenset[MetricName] = frozenset({"log_loss", "brier"})

_EPSILON = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 before a logarithm is taken, as sklearn.metrics.log_loss does."""

_BINS = 2048
"""Of each kind of label. Where a window has more different outputs, neighbours share a bin: a ranking metric of
millions of rows is then right to about one in this number."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its two-sided confidence interval."""

    value: float
    low: float
    high: float

    def widened(self, times: float) -> "Interval":
        """To so many times its width, each side for itself."""
        return Interval(
            self.value, self.value - times * (self.value - self.low), self.value + times * (self.high - self.value)
        )

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class LabelledRows:
    """The predictions of a window whose label is known, or a random part of them.

    clicks: which labels are clicks
    known:  how many there are
    """

    outputs: Floats
    labels: Floats
    clicks: npt.NDArray[np.bool_]
    known: int


@dataclass(frozen=True)
class Quality:
    """labelled: how many rows have a label. metrics: those that are defined. interval: of the metric that is judged,
    if it is."""

    labelled: int
    metrics: dict[str, float]
    interval: Interval | None

    @classmethod
    def unknown(cls) -> "Quality":
        return cls(0, {}, None)


@dataclass(frozen=True)
class Ranking:
    """Rows by falling output: how many of each label there are in each bin of like outputs."""

    positives: Floats
    negatives: Floats


def measure(rows: LabelledRows, *, judged: MetricName, confidence: float, seed: int) -> Quality:
    """Everything that the labels define, and a bootstrap interval of the judged metric; the same for the same seed.

    auc and average_precision need labels 0 and 1, and both; log_loss and brier labels 0 and 1, and outputs in [0, 1];
    click_through_rate is the mean of the labels that are clicks.
    """
    metrics: dict[str, float] = {}
    interval: Interval | None = None
    draws = np.random.default_rng(seed)
    for name, values in _means(rows).items():
        metrics[name] = float(values.mean())
        if name == judged:
            bounds = interval_of_mean(values, confidence=confidence, draws=draws)
            interval = Interval(metrics[name], *bounds)
    if (ranking := _ranking(rows)) is not None:
        for name, metric in _BY_RANKING.items():
            metrics[name] = float(metric(ranking.positives, ranking.negatives))
            if name == judged:
                found = interval_of_ranking(
                    metric, ranking.positives, ranking.negatives, confidence=confidence, draws=draws
                )
                interval = None if found is None else Interval(metrics[name], *found)
    return Quality(rows.known, metrics, interval)


def auc(positives: Floats, negatives: Floats) -> Floats:
    """Of rankings [..., bins] by falling output: how often a positive stands before a negative, ties counting half."""
    before = np.cumsum(positives, axis=-1) - positives / 2
    with np.errstate(invalid="ignore"):
        area: Floats = (negatives * before).sum(-1) / (positives.sum(-1) * negatives.sum(-1))
    return area


def average_precision(positives: Floats, negatives: Floats) -> Floats:
    """Of rankings [..., bins] by falling output: precision at each step of recall, without interpolation."""
    found, others = np.cumsum(positives, axis=-1), np.cumsum(negatives, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(found > 0, found / (found + others), 0.0)
        mean: Floats = (positives * precision).sum(-1) / positives.sum(-1)
    return mean


_BY_RANKING: dict[MetricName, Callable[[Floats, Floats], Floats]] = {
    "auc": auc,
    "average_precision": average_precision,
}


def _means(rows: LabelledRows) -> dict[MetricName, Floats]:
    """For each metric that is a mean over rows, what each row contributes."""
    found: dict[MetricName, Floats] = {}
    outputs, labels = rows.outputs, rows.labels
    if len(labels) and _binary(labels) and ((outputs >= 0) & (outputs <= 1)).all():
        kept = np.clip(outputs, _EPSILON, 1 - _EPSILON)
        found["log_loss"] = -np.where(labels == 1, np.log(kept), np.log1p(-kept))
        found["brier"] = (outputs - labels) ** 2
    if rows.clicks.any():
        found["click_through_rate"] = labels[rows.clicks]
    return found


def _binary(labels: Floats) -> bool:
    return bool(np.isin(labels, (0.0, 1.0)).all())


def _ranking(rows: LabelledRows) -> Ranking | None:
    """None where there are not both labels."""
    labels = rows.labels
    if not _binary(labels) or len(np.unique(labels)) < 2:
        return None
    values = np.unique(rows.outputs)
    if len(values) > 2 * _BINS:
        share = np.linspace(0, 1, _BINS)
        edges = [np.quantile(rows.outputs[labels == label], share, method="lower") for label in (0.0, 1.0)]
        values = np.unique(np.concatenate(edges))
    places = np.searchsorted(values, rows.outputs, side="right") - 1
    bins = len(values) + 1  # outputs below the first edge share one
    places = bins - 1 - (places + 1)
    counts = [np.bincount(places[labels == label], minlength=bins).astype(np.float64) for label in (0.0, 1.0)]
    return Ranking(positives=counts[1], negatives=counts[0])
