"""Measures whether the fraud story depends on luck: the same story for several cities and several seeds.

    python -m murmur_workflows.measurements.fraud --data .murmur/data --cities 3 --seeds 5

It prints the table of the workflow's README. About a minute of one core for each story, and another for each city.
"""

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import ks_2samp

from murmur_events.values import Interval
from murmur_training import TrainingContext, evaluation
from murmur_training.outputs import predict
from murmur_training.rehearsal import definition_of
from murmur_training.snapshot import Snapshot, take_snapshot
from murmur_workflows import fraud
from murmur_workflows.fraud import data
from murmur_workflows.fraud.train import train

DEFINITION = definition_of(fraud.FOLDER)
WINDOW_ROWS = 3000
RETRAINED = "2026-01-01"
"""Any day on which all is known that will ever be."""


@dataclasses.dataclass(frozen=True)
class Version:
    """A model with the threshold that its training chose."""

    model: Any
    threshold: float


@dataclasses.dataclass(frozen=True)
class Story:
    """What one telling of the story showed. Costs are of 1,000 payments; differences are second minus first."""

    first_auc: float
    first_average_precision: float
    first_cost: float
    first_cost_of_best_threshold: float
    first_precision_at_budget: float
    first_recall_at_budget: float
    gain_average_precision_low: float
    gain_cost: float
    gain_cost_high: float
    slice_loss: float
    worse_cost: float
    worse_cost_low: float
    stable_average_precision: float
    fourth_average_precision: float
    stable_windows_drifted: int
    control_windows_drifted: int
    weeks_until_drift: float
    later_windows_drifted: int


class Telling:
    """One city, one seed of the training."""

    def __init__(self, what: data.City, seed: int, data_dir: Path, *, resamples: int = 500) -> None:
        self._with = data.with_features(data.city(what, data_dir))
        self._without = data.with_features(data.city(what, data_dir, fourth=False))
        self._seed = seed
        self._resamples = resamples

    def story(self) -> Story:
        before, after = self.snapshot(fraud.FIRST_TICK), self.snapshot(RETRAINED)
        first, second = self.fit(before), self.fit(after)
        worse = self.fit(before, **fraud.WORSE_PARAMETERS)
        own = self.measured(before, first)
        gain, loss = self.compared(after, second, first), self.compared(before, worse, first)
        return Story(
            first_auc=own["auc"].value,
            first_average_precision=own["average_precision"].value,
            first_cost=own["cost"].value,
            first_cost_of_best_threshold=self.cost_of_best_threshold(before, first),
            first_precision_at_budget=own["precision"].value,
            first_recall_at_budget=own["recall"].value,
            gain_average_precision_low=gain["average_precision"].low,
            gain_cost=gain["cost"].value,
            gain_cost_high=gain["cost"].high,
            slice_loss=self.slice_loss(after, second, first),
            worse_cost=loss["cost"].value,
            worse_cost_low=loss["cost"].low,
            stable_average_precision=self.average_precision(first, fraud.STABLE_WEEKS),
            fourth_average_precision=self.average_precision(first, fraud.FOURTH_WEEKS),
            stable_windows_drifted=sum(self.drifted(before, first, fraud.STABLE_WEEKS)),
            control_windows_drifted=sum(self.drifted(before, first, fraud.FOURTH_WEEKS[:2], fourth=False)),
            weeks_until_drift=self.weeks_until_drift(before, first),
            later_windows_drifted=sum(self.drifted(after, second, fraud.LATER_WEEKS)),
        )

    def snapshot(self, at: str) -> Snapshot:
        return take_snapshot(data.known(self._with, datetime.fromisoformat(at).replace(tzinfo=UTC)), DEFINITION.data)

    def fit(self, snapshot: Snapshot, **parameters: int) -> Version:
        settings = {**DEFINITION.training.parameters, **parameters}
        costs = DEFINITION.validation.costs
        context = TrainingContext(train=snapshot.rows, parameters=settings, seed=self._seed, costs=costs)
        model = train(context)
        assert context.threshold is not None
        return Version(model, context.threshold)

    def measured(self, snapshot: Snapshot, version: Version) -> dict[str, Interval]:
        scored = _Scored(snapshot, version)
        return evaluation.intervals(scored.labels, scored.output, more=scored.more(), resamples=self._resamples)

    def compared(self, snapshot: Snapshot, candidate: Version, baseline: Version) -> dict[str, Interval]:
        ours, theirs = _Scored(snapshot, candidate), _Scored(snapshot, baseline)
        pairs = {name: (measure, theirs.more()[name]) for name, measure in ours.more().items()}
        return evaluation.differences(ours.labels, ours.output, theirs.output, more=pairs, resamples=self._resamples)

    def cost_of_best_threshold(self, snapshot: Snapshot, version: Version) -> float:
        """What nobody can have: the threshold chosen on the holdout itself."""
        scored = _Scored(snapshot, version)
        return float(evaluation.pricing.cost_curve(scored.labels, scored.output, scored.prices)[1].min())

    def slice_loss(self, snapshot: Snapshot, candidate: Version, baseline: Version) -> float:
        ours, theirs = _Scored(snapshot, candidate), _Scored(snapshot, baseline)
        rows = DEFINITION.validation.min_slice_rows
        found = evaluation.slices(
            snapshot.holdout, snapshot.section.slices, ours.labels, ours.output, baseline=theirs.output, min_rows=rows
        )
        return max((one.baseline_auc or 0.0) - (one.candidate_auc or 0.0) for one in found)

    def average_precision(self, version: Version, weeks: tuple[str, ...]) -> float:
        rows = self._with[self._with["week"].isin(weeks)]
        return evaluation.metrics(rows["fraud"], predict(version.model, _inputs(rows)))["average_precision"]

    def drifted(
        self, snapshot: Snapshot, version: Version, weeks: tuple[str, ...], *, fourth: bool = True
    ) -> Iterator[bool]:
        """Whether a window of each week differs from the reference window in any column."""
        rows = self._with if fourth else self._without
        reference = snapshot.reference
        before = predict(version.model, reference)
        for week in weeks:
            window = _inputs(rows[rows["week"] == week].sample(WINDOW_ROWS, random_state=2025))
            pairs = [(reference[name], window[name]) for name in reference]
            pairs.append((before, predict(version.model, window)))
            threshold = DEFINITION.monitoring.drift.p_value / len(pairs)
            yield any(ks_2samp(one, other).pvalue < threshold for one, other in pairs)

    def weeks_until_drift(self, snapshot: Snapshot, version: Version) -> float:
        """After how many weeks of the fourth scenario a window drifts first; NaN: in none."""
        found = enumerate(self.drifted(snapshot, version, fraud.FOURTH_WEEKS), start=1)
        return next((float(number) for number, drifted in found if drifted), float("nan"))


class _Scored:
    """A version's output on the holdout of a snapshot."""

    def __init__(self, snapshot: Snapshot, version: Version) -> None:
        costs = DEFINITION.validation.costs
        assert costs is not None
        self.labels = snapshot.holdout[snapshot.section.target].to_numpy()
        self.output = predict(version.model, snapshot.holdout[list(snapshot.section.features)])
        self.prices = evaluation.pricing.price(snapshot.holdout, costs)
        self._threshold = version.threshold

    def more(self) -> dict[str, evaluation.Weighted]:
        budget = DEFINITION.validation.alert_budget
        assert budget is not None
        return {
            "cost": evaluation.pricing.expected_cost(self.labels, self.output, self.prices, self._threshold),
            "precision": evaluation.precision_at(budget, self.labels, self.output),
            "recall": evaluation.recall_at(budget, self.labels, self.output),
        }


def _inputs(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[list(data.FEATURES)].astype(float)


def _table(stories: list[Story]) -> str:
    frame = pd.DataFrame([dataclasses.asdict(story) for story in stories])
    held = {
        "v1 passes the minimum AUC": frame.first_auc >= DEFINITION.validation.minimum_auc,
        "v2 better than v1": frame.gain_cost_high < 0,
        "no slice loses too much": frame.slice_loss <= DEFINITION.validation.max_slice_loss,
        "the worse candidate is not better": frame.worse_cost_low > 0,
        "the stable weeks do not drift": frame.stable_windows_drifted == 0,
        "the weeks without the fourth scenario do not drift": frame.control_windows_drifted == 0,
        "those with it do": frame.weeks_until_drift > 0,
        "the average precision falls by more than 0.1": frame.stable_average_precision
        > frame.fourth_average_precision + 0.1,
        "after retraining the weeks do not drift": frame.later_windows_drifted == 0,
    }
    numbers = frame.describe(percentiles=[0.5]).loc[["min", "50%", "max"]].T.round(4)
    shares = "\n".join(f"| {what} | {int(so.sum())} of {len(frame)} |" for what, so in held.items())
    return f"{numbers.to_string()}\n\n{shares}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(".murmur/data"), help="where simulated payments are kept")
    parser.add_argument("--cities", type=int, default=3, help="other cities, with the workflow's own seed")
    parser.add_argument("--seeds", type=int, default=5, help="other seeds of the training, in the workflow's own city")
    given = parser.parse_args()
    seeded = [Telling(data.CITY, seed, given.data).story() for seed in range(given.seeds)]
    if seeded:
        sys.stdout.write(f"{given.seeds} seeds, the workflow's own city\n\n{_table(seeded)}\n")
        sys.stdout.flush()
    own = data.CITY
    others = [dataclasses.replace(own, customers=own.customers + 10 * n) for n in range(1, given.cities + 1)]
    moved = [Telling(other, DEFINITION.training.seed, given.data).story() for other in others]
    if moved:
        sys.stdout.write(f"{given.cities} other cities, the workflow's own seed\n\n{_table(moved)}")


if __name__ == "__main__":
    main()
