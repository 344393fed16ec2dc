"""What the code of a workflow is given: data.py a `DataContext`, train.py a `TrainingContext`.

    # data.py
    def load(as_of: datetime, context: DataContext) -> pandas.DataFrame: ...

    # train.py
    def train(context: TrainingContext) -> xgboost.Booster:
        return xgboost.train({"objective": "binary:logistic"}, context.train.matrix(), 100)

Both can be made by hand in a test; nobody listens to what they report then.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from murmur_training import splitting
from murmur_training.messages import Emit, Metric, Progress, unheard

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    import xgboost

    from murmur_events.workflows import Costs


@dataclass(frozen=True)
class DataContext:
    """For load(): where downloaded data is kept, from one training to the next, and the settings of this training."""

    data_dir: Path
    emit: Emit = unheard
    parameters: Mapping[str, bool | int | float | str] = field(default_factory=dict)

    def progress(self, fraction: float) -> None:
        """Says how much of load() is done, 0 to 1."""
        self.emit(Progress(fraction=min(max(fraction, 0.0), 1.0)))


@dataclass(frozen=True)
class Rows:
    """Rows to learn from: `X` the features in order as float64, `y` the target, `identity` who each row is.

    `y` is 0.0 or 1.0 where the workflow classifies, and any number where its task is regression.

    `period` says when, where the workflow splits by time.
    """

    X: "pd.DataFrame"
    y: "pd.Series"
    identity: "pd.Series"
    period: "pd.Series | None" = None

    def __len__(self) -> int:
        return len(self.X)

    def split(self, share: float = 0.2) -> tuple["Rows", "Rows"]:
        """Most rows to fit on, and about that share of identities to look at meanwhile; the same cut every time.

        Where the workflow splits by time these are the newest periods, without a gap. All are rows that may be learned
        from: the holdout on which a version is judged is never given to train().
        """
        if self.period is not None and self.period.nunique() > 1:
            cut = splitting.cut_by_time(self.period, share)
            return self._where(cut.train), self._where(cut.holdout)
        kept = splitting.held_out(self.identity, share, purpose=splitting.VALIDATION)
        return self._where(~kept), self._where(kept)

    def matrix(self) -> "xgboost.DMatrix":
        """The same rows as XGBoost takes them."""
        import xgboost

        return xgboost.DMatrix(self.X, label=self.y)

    def _where(self, mask: Any) -> "Rows":
        period = None if self.period is None else self.period[mask]
        return replace(self, X=self.X[mask], y=self.y[mask], identity=self.identity[mask], period=period)


@dataclass
class Decision:
    """From which probability a row is flagged, once that has been decided."""

    threshold: float | None = None


@dataclass(frozen=True)
class TrainingContext:
    """For train(): the rows, the settings, and ways to say how it goes.

    `parameters` are those of workflow.yaml, overridden by those of the request. numpy and random are seeded with `seed`
    already; give it to XGBoost as its `seed`. `costs` are those of workflow.yaml, if it says what a wrong answer costs.
    """

    train: Rows
    parameters: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    seed: int = 0
    costs: "Costs | None" = None
    emit: Emit = unheard
    decision: Decision = field(default_factory=Decision)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def log_metric(self, name: str, value: float, step: int = 0) -> None:
        """Keeps one value of a metric's history; the last one is the run's. Raises ValueError for NaN and infinity."""
        if not math.isfinite(value):
            raise ValueError(f"metric {name!r} at step {step!r} is {value!r}: log finite numbers only")
        self.emit(Metric(name=name, value=float(value), step=step, time=self.now()))

    def progress(self, fraction: float) -> None:
        """Says how much of train() is done, 0 to 1."""
        self.emit(Progress(fraction=min(max(fraction, 0.0), 1.0)))

    def curves(self, rounds: int, *, every: int = 10) -> "xgboost.callback.TrainingCallback":
        """A callback for xgboost.train that logs what `evals` measure, every so many rounds and the last, and the
        progress.

        One evaluated set logs `auc`, several log `check_auc` and so on; XGBoost's own `logloss` is logged as
        `log_loss`. `rmse` and `mae` always carry the name of their set: without it they are those of the holdout.
        """
        from murmur_training.curves import Curves

        return Curves(self, rounds=rounds, every=every)

    @property
    def threshold(self) -> float | None:
        """What `use_threshold` was given last."""
        return self.decision.threshold

    def least_cost_threshold(self, rows: Rows, probabilities: "npt.ArrayLike") -> float:
        """The threshold at which flagging these rows would have cost least: [n] probabilities pair with the rows.

        Let a model that was not fitted on these rows score them, such as those that `split` keeps back: of rows that it
        knows by heart a model promises too much. Raises ValueError where the workflow gives no costs.
        """
        from murmur_training.evaluation import pricing

        if self.costs is None:
            raise ValueError("there are no costs to choose a threshold by: add validation.costs to workflow.yaml")
        return pricing.least_cost_threshold(rows.y, probabilities, pricing.price(rows.X, self.costs))

    def use_threshold(self, threshold: float) -> None:
        """Makes it a part of the version: rows with at least this probability are flagged. Logged as `threshold`.

        Where train() says none and the workflow has costs, the one of least cost on the train part is used.
        """
        if not 0 <= threshold <= 1:
            raise ValueError(f"the threshold {threshold!r} is no probability: give one between 0 and 1")
        self.decision.threshold = float(threshold)
        self.log_metric("threshold", threshold)
