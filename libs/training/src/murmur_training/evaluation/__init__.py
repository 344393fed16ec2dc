"""How good a model is, whether another is better, and for whom: the numbers on which a version is judged.

    metrics(labels, probabilities)               one number a metric: auc, ks, brier, log_loss
    intervals(labels, probabilities)             the same, each with its bootstrap interval
    differences(labels, candidate, baseline)     candidate minus baseline on the same rows, paired bootstrap
    calibration_curve(labels, probabilities)     what was promised and what came, in bins of equal size
    slices(frame, columns, labels, ...)          the AUC of both models within each group of people

All take float64 arrays of one length: labels 0 or 1, probabilities of the label 1. What they cannot judge they refuse
with `NotMeasurable`.
"""

from murmur_training.evaluation.bootstrap import differences, intervals
from murmur_training.evaluation.calibration import CalibrationBin, calibration_curve
from murmur_training.evaluation.metrics import METRICS, NotMeasurable, better, metrics
from murmur_training.evaluation.slices import slices

__all__ = [
    "METRICS",
    "CalibrationBin",
    "NotMeasurable",
    "better",
    "calibration_curve",
    "differences",
    "intervals",
    "metrics",
    "slices",
]
