"""Measures whether the credit story depends on luck: the same story for many draws of its quarters and many seeds.

    python -m murmur_workflows.measurements.credit --data .murmur/data --draws 40 --seeds 10

It prints the table of the workflow's README. About four seconds of one core for each story.
"""

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from murmur_events.workflows import DataSection
from murmur_training import TrainingContext, evaluation, file_from_wheel
from murmur_training.outputs import predict
from murmur_training.rehearsal import definition_of
from murmur_training.snapshot import Snapshot, take_snapshot
from murmur_workflows import credit
from murmur_workflows.credit import data
from murmur_workflows.credit.train import train

DEFINITION = definition_of(credit.FOLDER)
WINDOWS = 4
WINDOW_ROWS = 1000


@dataclasses.dataclass(frozen=True)
class Story:
    """What one telling of the story showed."""

    first_auc: float
    second_auc: float
    third_auc: float
    second_gain: float
    second_gain_low: float
    third_gain: float
    third_gain_low: float
    worse_gain: float
    worse_gain_high: float
    worst_slice_loss: float
    stable_windows_drifted: int
    shifted_columns_drifted: int
    later_windows_drifted: int


class Telling:
    """One draw of the quarters, one seed of the training."""

    def __init__(self, customers: pd.DataFrame, section: DataSection, seed: int) -> None:
        self._customers = customers
        self._section = section
        self._seed = seed

    def story(self) -> Story:
        first, second, third = (
            self._snapshot(at) for at in ("2005-07-01", "2005-10-01", "2026-01-01")
        )  # fmt: skip
        one, two, three = (self._fit(snapshot) for snapshot in (first, second, third))
        worse = self._fit(second, **credit.WORSE_PARAMETERS)
        gain, next_gain = _gain(second, two, one), _gain(third, three, two)
        loss = _gain(second, worse, two)
        return Story(
            first_auc=_auc(first, one),
            second_auc=_auc(second, two),
            third_auc=_auc(third, three),
            second_gain=gain.value,
            second_gain_low=gain.low,
            third_gain=next_gain.value,
            third_gain_low=next_gain.low,
            worse_gain=loss.value,
            worse_gain_high=loss.high,
            worst_slice_loss=max(_slice_loss(second, two, one), _slice_loss(third, three, two)),
            stable_windows_drifted=sum(map(bool, self._windows(second, two, credit.STABLE_QUARTER))),
            shifted_columns_drifted=next(self._windows(second, two, credit.SHIFTED_QUARTER)),
            later_windows_drifted=sum(map(bool, self._windows(third, three, credit.SHIFTED_QUARTER))),
        )

    def _snapshot(self, at: str) -> Snapshot:
        today = datetime.fromisoformat(at).replace(tzinfo=UTC).date()
        known = [name for name, quarter in data.QUARTERS.items() if quarter.known_on and quarter.known_on <= today]
        return take_snapshot(self._customers[self._customers["quarter"].isin(known)], self._section)

    def _fit(self, snapshot: Snapshot, **parameters: int) -> Any:
        settings = {**DEFINITION.training.parameters, **parameters}
        return train(TrainingContext(train=snapshot.rows, parameters=settings, seed=self._seed))

    def _windows(self, snapshot: Snapshot, model: Any, quarter: str) -> Iterator[int]:
        """How many columns of each window of that quarter's customers drift from the reference window."""
        inputs = list(self._section.features)
        reference = snapshot.reference
        rows = self._customers.loc[self._customers["quarter"] == quarter, inputs].astype(float)
        for start in range(0, min(len(rows), WINDOWS * WINDOW_ROWS), WINDOW_ROWS):
            window = rows.iloc[start : start + WINDOW_ROWS]
            pairs = [(reference[name], window[name]) for name in inputs]
            pairs.append((predict(model, reference), predict(model, window)))
            threshold = DEFINITION.monitoring.drift.p_value / len(pairs)
            yield sum(ks_2samp(before, now).pvalue < threshold for before, now in pairs)


def _scored(snapshot: Snapshot, model: Any) -> tuple[Any, Any]:
    holdout = snapshot.holdout
    return holdout[snapshot.section.target], predict(model, holdout[list(snapshot.section.features)])


def _auc(snapshot: Snapshot, model: Any) -> float:
    return evaluation.metrics(*_scored(snapshot, model))["auc"]


def _gain(snapshot: Snapshot, candidate: Any, baseline: Any) -> Any:
    labels, ours = _scored(snapshot, candidate)
    _, theirs = _scored(snapshot, baseline)
    return evaluation.differences(labels, ours, theirs, confidence=DEFINITION.validation.confidence)["auc"]


def _slice_loss(snapshot: Snapshot, candidate: Any, baseline: Any) -> float:
    labels, ours = _scored(snapshot, candidate)
    _, theirs = _scored(snapshot, baseline)
    found = evaluation.slices(
        snapshot.holdout,
        snapshot.section.slices,
        labels,
        ours,
        baseline=theirs,
        min_rows=DEFINITION.validation.min_slice_rows,
    )
    return max(
        one.baseline_auc - one.candidate_auc
        for one in found
        if one.candidate_auc is not None and one.baseline_auc is not None
    )


def _table(stories: list[Story]) -> str:
    frame = pd.DataFrame([dataclasses.asdict(story) for story in stories])
    held = {
        "v1 passes the minimum AUC": frame.first_auc >= DEFINITION.validation.minimum_auc,
        "v2 better than v1": frame.second_gain_low > 0,
        "v3 better than v2": frame.third_gain_low > 0,
        "no slice loses too much": frame.worst_slice_loss <= DEFINITION.validation.max_slice_loss,
        "the worse candidate is not better": frame.worse_gain <= 0,
        "the stable quarter does not drift": frame.stable_windows_drifted == 0,
        "the shifted quarter drifts": frame.shifted_columns_drifted > 0,
        "after retraining it does not": frame.later_windows_drifted == 0,
    }
    numbers = frame.describe(percentiles=[0.05, 0.5, 0.95]).loc[["min", "5%", "50%", "95%", "max"]].T.round(4)
    shares = "\n".join(f"| {what} | {int(np.sum(so))} of {len(frame)} |" for what, so in held.items())
    return f"{numbers.to_string()}\n\n{shares}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(".murmur/data"), help="where the table is kept")
    parser.add_argument(
        "--draws", type=int, default=40, help="other draws of the quarters, with the workflow's own seed"
    )
    parser.add_argument(
        "--seeds", type=int, default=10, help="other seeds of the training, with the workflow's own draw"
    )
    given = parser.parse_args()
    table = file_from_wheel(data.WHEEL, data.MEMBER, sha256=data.SHA256, data_dir=given.data)
    customers = data.read_customers(table)
    ours = data.in_quarters(customers)
    seeded = [Telling(ours, DEFINITION.data, seed).story() for seed in range(given.seeds)]
    sys.stdout.write(f"{given.seeds} seeds, the workflow's own draw\n\n{_table(seeded)}\n")
    sys.stdout.flush()
    drawn = [
        Telling(data.in_quarters(customers, draw=f"draw {draw}"), DEFINITION.data, DEFINITION.training.seed).story()
        for draw in range(given.draws)
    ]
    sys.stdout.write(f"{given.draws} draws, the workflow's own seed\n\n{_table(drawn)}")


if __name__ == "__main__":
    main()
