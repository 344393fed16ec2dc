"""How far numbers are off, and how sure that is: what a regression is judged by.

The same bootstrap as for classifiers (see `bootstrap`), with the same limit: rows are taken for independent. Errors of
neighbouring days or months resemble each other a little, so that these intervals are somewhat too narrow.
"""

import numpy as np
import numpy.typing as npt

from murmur_events.values import Interval
from murmur_training.evaluation.bootstrap import RESAMPLES, estimate
from murmur_training.evaluation.metrics import Floats, NotMeasurable, Weighted


def sizes(errors: npt.ArrayLike) -> dict[str, float]:
    """`rmse` and `mae` of errors [n], in the target's own unit. Raises NotMeasurable for none, or one not finite."""
    found = _checked(errors)
    return {"rmse": float(np.sqrt(np.mean(found**2))), "mae": float(np.mean(np.abs(found)))}


def rmse_interval(errors: npt.ArrayLike, *, confidence: float = 0.95, resamples: int = RESAMPLES) -> Interval:
    """The root of the mean squared error of errors [n], with its two-sided interval."""
    return _one(_rmse(_checked(errors)), np.size(errors), confidence, resamples)


def skill_interval(
    errors: npt.ArrayLike, baseline: npt.ArrayLike, *, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """1 - rmse / rmse of the baseline, of errors [n] on the same rows (paired): above 0 the model is better than it.

    (The skill score of forecast verification, with the rmse itself rather than its square: Murphy 1988, "Skill scores
    based on the mean square error".) NaN where the baseline makes no error.
    """
    ours, theirs = _rmse(_checked(errors)), _rmse(_checked(baseline))
    if np.shape(errors) != np.shape(baseline):
        raise NotMeasurable(f"errors of {np.size(errors)!r} and {np.size(baseline)!r} rows do not pair: give the same")

    def skill(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(1 - ours(weights) / theirs(weights), dtype=np.float64)

    return _one(skill, np.size(errors), confidence, resamples)


def _rmse(errors: Floats) -> Weighted:
    squares = errors**2
    return lambda weights: np.sqrt(squares @ weights / weights.sum(axis=0))


def _one(measure: Weighted, rows: int, confidence: float, resamples: int) -> Interval:
    return estimate({"it": measure}, rows, confidence=confidence, resamples=resamples, seed=0)["it"]


def _checked(errors: npt.ArrayLike) -> Floats:
    found = np.asarray(errors, dtype=np.float64)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise NotMeasurable(f"errors of shape {found.shape!r} cannot be judged: give [n] finite numbers, at least one")
    return found
