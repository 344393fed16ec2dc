"""Confidence intervals by the Poisson bootstrap: how often each row is drawn is Poisson(1), independently of others, so
that a bin of m like rows is drawn Poisson(m) times and the size of a window costs nothing (Chamandy et al. 2012).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
_AT_ONCE = 100
"""Resamples that are in memory together."""
_BLOCKS = 4096
"""Rows beyond that are drawn in blocks of neighbours."""


def interval_of_mean(values: Floats, *, confidence: float, draws: np.random.Generator) -> tuple[float, float]:
    """Percentile interval of the mean of at least one value. Neighbours are drawn together where there are very many,
    which keeps what they have in common."""
    blocks = np.array_split(values, min(len(values), _BLOCKS)) if len(values) > _BLOCKS else None
    sums = values if blocks is None else np.array([block.sum() for block in blocks])
    sizes = np.ones(len(values)) if blocks is None else np.array([float(len(block)) for block in blocks])
    found = []
    for _ in range(0, RESAMPLES, _AT_ONCE):
        times = draws.poisson(1.0, (_AT_ONCE, len(sums)))
        drawn = times @ sizes
        found.append((times @ sums)[drawn > 0] / drawn[drawn > 0])
    return _percentiles(np.concatenate(found), confidence)


def interval_of_ranking(
    metric: Callable[[Floats, Floats], Floats],
    positives: Floats,
    negatives: Floats,
    *,
    confidence: float,
    draws: np.random.Generator,
) -> tuple[float, float] | None:
    """Percentile interval of a metric of bins. None where most resamples hold one label only."""
    found = []
    for _ in range(0, RESAMPLES, _AT_ONCE):
        ups, downs = (draws.poisson(side, (_AT_ONCE, len(side))).astype(np.float64) for side in (positives, negatives))
        both = (ups.sum(-1) > 0) & (downs.sum(-1) > 0)
        found.append(metric(ups[both], downs[both]))
    values = np.concatenate(found)
    return _percentiles(values, confidence) if len(values) > RESAMPLES / 2 else None


def _percentiles(values: Floats, confidence: float) -> tuple[float, float]:
    if not len(values):
        return float("-inf"), float("inf")
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
