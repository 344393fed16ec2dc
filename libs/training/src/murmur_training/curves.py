"""Logs the learning curves of an XGBoost training while it runs."""

import math
from typing import TYPE_CHECKING, Any

import xgboost

if TYPE_CHECKING:
    from murmur_training.context import TrainingContext

_NAMES = {"logloss": "log_loss"}
_MEASURED = ("rmse", "mae")
"""What the platform measures on the holdout under these names."""


class Curves(xgboost.callback.TrainingCallback):
    """See `TrainingContext.curves`."""

    def __init__(self, context: "TrainingContext", *, rounds: int, every: int) -> None:
        super().__init__()
        self._context = context
        self._rounds = rounds
        self._every = every

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, Any]]) -> bool:
        """Never stops the training: that is early stopping's business."""
        done = epoch + 1
        if done % self._every == 0 or done == self._rounds:
            for data, metrics in evals_log.items():
                for metric, values in metrics.items():
                    name = _NAMES.get(metric, metric)
                    if math.isfinite(values[-1]):  # the AUC of rows with one label is NaN
                        alone = len(evals_log) == 1 and name not in _MEASURED
                        self._context.log_metric(name if alone else f"{data}_{name}", values[-1], done)
            self._context.progress(done / self._rounds)
        return False
