"""What was measured of a candidate and its baseline, in numbers and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Metric(StrEnum):
    AUC = "auc"
    """Of a random pair with both labels, how often the positive one is ranked higher."""
    KS = "ks"
    """Largest distance between the score distributions of both labels."""
    BRIER = "brier"
    """Mean squared distance between probability and label."""
    LOG_LOSS = "log_loss"
    AVERAGE_PRECISION = "average_precision"
    """Mean precision at each positive: the area under the precision-recall curve."""
    COST = "cost"
    """What wrong answers cost in 1,000 rows, at the version's threshold; where the workflow gives costs."""
    PRECISION = "precision_at_budget"
    """Share of positives among the rows that people can look at; where the workflow gives an alert budget."""
    RECALL = "recall_at_budget"
    """Share of all positives that are among those rows."""

    @property
    def less_is_better(self) -> bool:
        return self in (Metric.BRIER, Metric.LOG_LOSS, Metric.COST)

    @property
    def label(self) -> str:
        """As people write it."""
        return _LABELS[self]


_LABELS = {
    Metric.AUC: "AUC",
    Metric.KS: "KS",
    Metric.BRIER: "Brier score",
    Metric.LOG_LOSS: "log-loss",
    Metric.AVERAGE_PRECISION: "average precision",
    Metric.COST: "cost of 1,000 rows",
    Metric.PRECISION: "precision at budget",
    Metric.RECALL: "recall at budget",
}


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its two-sided confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Group:
    """One slice of the holdout, judged by itself. An AUC is None where it could not be measured."""

    column: str
    value: str
    rows: int
    candidate_auc: float | None
    baseline_auc: float | None

    @property
    def name(self) -> str:
        return f"{self.column}={self.value}"

    @property
    def loss(self) -> float | None:
        """How much AUC the group loses with the candidate; less than 0: it gains. None: not comparable."""
        if self.candidate_auc is None or self.baseline_auc is None:
            return None
        return self.baseline_auc - self.candidate_auc


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Both models on the same holdout.

    differences: candidate minus baseline, paired; empty without a baseline
    left_out:    rows of the holdout that the baseline was trained on, and that are therefore in none of the numbers
    columns:     what the holdout was to be sliced by; rows without a value in one of them are in none of its groups
    assumed:     versions whose cost is that of flagging from one half on, since they have no threshold of their own
    """

    rows: int
    positives: int
    left_out: int
    candidate: Mapping[Metric, Estimate]
    baseline: Mapping[Metric, Estimate]
    differences: Mapping[Metric, Estimate]
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    assumed: tuple[int, ...] = ()

    def rows_without(self, column: str) -> int:
        """How many rows are in no group of that column."""
        return self.rows - sum(group.rows for group in self.groups if group.column == column)
