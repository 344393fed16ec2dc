"""Shows whether a model's 20 % means that one in five comes true: what a price or a limit is set on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from murmur_training.evaluation.metrics import checked


@dataclass(frozen=True)
class CalibrationBin:
    """Rows with similar probabilities: what the model promised them on average, and what came."""

    predicted: float
    observed: float
    rows: int


def calibration_curve(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, bins: int = 10
) -> tuple[CalibrationBin, ...]:
    """The reliability diagram in bins of (nearly) equal size, lowest probabilities first.

    Rows of the same probability stay in one bin, so there may be fewer bins than asked for.
    """
    y, p = checked(labels, probabilities)
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, p, side="left")
    return tuple(
        CalibrationBin(float(p[inside].mean()), float(y[inside].mean()), int(inside.sum()))
        for inside in (place == index for index in range(edges.size + 1))
        if inside.any()
    )
