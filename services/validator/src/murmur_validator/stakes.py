"""Measures what is at stake beside the metrics: what wrong answers cost, and what people find in the rows they see."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from murmur_events import workflows
from murmur_events.models import VersionState
from murmur_validator.domain.judgement import Rules
from murmur_validator.domain.measurements import Metric
from murmur_validator.ports import Floats

if TYPE_CHECKING:
    import pandas as pd

    from murmur_training.evaluation import Weighted
    from murmur_training.evaluation.pricing import Prices


@dataclass(frozen=True)
class Stakes:
    """The labels of the holdout, with what the workflow says of costs and of its alert budget."""

    labels: Floats
    prices: "Prices | None"
    alert_budget: float | None

    @classmethod
    def of(cls, frame: "pd.DataFrame", labels: Floats, rules: Rules) -> "Stakes":
        """Raises NotMeasurable where the column of amounts is missing or holds none."""
        prices = None
        if rules.costs is not None:
            from murmur_training.evaluation import pricing

            costs = workflows.Costs(
                false_positive=rules.costs.false_positive, false_negative=rules.costs.false_negative
            )
            prices = pricing.price(frame, costs)
        return cls(labels, prices, rules.alert_budget)

    def measures(self, probabilities: Floats, state: VersionState) -> "dict[str, Weighted]":
        """By the metric's name; each version's cost is that at its own threshold. Raises NotMeasurable."""
        from murmur_training import evaluation

        found: dict[str, Weighted] = {}
        if self.prices is not None:
            threshold = threshold_of(state)
            cost = evaluation.pricing.expected_cost(self.labels, probabilities, self.prices, threshold)
            found[Metric.COST.value] = cost
        if self.alert_budget is not None:
            at_budget = (self.alert_budget, self.labels, probabilities)
            found[Metric.PRECISION.value] = evaluation.precision_at(*at_budget)
            found[Metric.RECALL.value] = evaluation.recall_at(*at_budget)
        return found

    def assumed(self, *versions: VersionState | None) -> tuple[int, ...]:
        """Which of them have no threshold of their own, where costs are measured."""
        if self.prices is None:
            return ()
        return tuple(state.version for state in versions if state is not None and state.artifacts.threshold is None)


def threshold_of(state: VersionState) -> float:
    """From which probability on the version flags a row."""
    from murmur_training.evaluation import pricing

    return pricing.UNDECIDED if state.artifacts.threshold is None else state.artifacts.threshold
