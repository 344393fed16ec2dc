"""How good a model is, whether another is better, and for whom: the numbers on which a version is judged.

    metrics(labels, probabilities)               one number a metric: auc, ks, brier, log_loss, average_precision
    intervals(labels, probabilities)             the same, each with its bootstrap interval
    differences(labels, candidate, baseline)     candidate minus baseline on the same rows, paired bootstrap
    calibration_curve(labels, probabilities)     what was promised and what came, in bins of equal size
    slices(frame, columns, labels, ...)          the AUC of both models within each group of people
    precision_at(budget, ...), recall_at(...)    among the rows that people can look at
    pricing                                      what wrong answers cost, and the threshold at which they cost least

All take float64 arrays of one length: labels 0 or 1, probabilities of the label 1. What they cannot judge they refuse
with `NotMeasurable`.
"""

from murmur_training.evaluation import pricing
from murmur_training.evaluation.bootstrap import differences, intervals
from murmur_training.evaluation.calibration import CalibrationBin, calibration_curve
from murmur_training.evaluation.metrics import (
    METRICS,
    NotMeasurable,
    Weighted,
    better,
    metrics,
    precision_at,
    recall_at,
)
from murmur_training.evaluation.slices import slices

__all__ = [
    "METRICS",
    "CalibrationBin",
    "NotMeasurable",
    "Weighted",
    "better",
    "calibration_curve",
    "differences",
    "intervals",
    "metrics",
    "precision_at",
    "pricing",
    "recall_at",
    "slices",
]
