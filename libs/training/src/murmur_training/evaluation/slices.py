"""Judges each group of people by itself: an average can rise while one group pays for it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from murmur_events.validation import SliceResult
from murmur_training.evaluation.metrics import NotMeasurable, metrics


def slices(
    frame: pd.DataFrame,
    columns: Sequence[str],
    labels: npt.ArrayLike,
    candidate: npt.ArrayLike,
    *,
    baseline: npt.ArrayLike | None = None,
    min_rows: int = 200,
) -> tuple[SliceResult, ...]:
    """The AUC of both models in each group of each column, in the order of the columns and of their values.

    The arrays pair with the rows of the frame. A group of fewer than `min_rows` rows, or with one label only, is
    reported with its rows and no AUC: it could not be tested.
    """
    y = np.asarray(labels, dtype=np.float64)
    ours = np.asarray(candidate, dtype=np.float64)
    theirs = None if baseline is None else np.asarray(baseline, dtype=np.float64)
    found = []
    for column in columns:
        for value in sorted(frame[column].dropna().unique()):
            inside = (frame[column] == value).to_numpy()
            found.append(
                SliceResult(
                    column=column,
                    value=_words(value),
                    rows=int(inside.sum()),
                    candidate_auc=_auc(y[inside], ours[inside], min_rows),
                    baseline_auc=None if theirs is None else _auc(y[inside], theirs[inside], min_rows),
                )
            )
    return tuple(found)


def _auc(labels: npt.NDArray[np.float64], probabilities: npt.NDArray[np.float64], min_rows: int) -> float | None:
    if labels.size < min_rows:
        return None
    try:
        return metrics(labels, probabilities)["auc"]
    except NotMeasurable:
        return None


def _words(value: object) -> str:
    """A group's name as people write it: a code kept as 2.0 in a float column is 2."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
