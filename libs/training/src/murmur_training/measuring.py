"""What the platform itself measures of a model, so that its author need not, and cannot, say it.

A classifier is judged on the holdout by the validator, later, against the version in production. A regression has no
such judge: nobody promotes it, and people compare its runs. So its holdout is scored here, once, when the training has
ended and the model is saved; train.py has never seen these rows.
"""

import numpy as np
import numpy.typing as npt
import xgboost

from murmur_training import outputs
from murmur_training.evaluation import metrics
from murmur_training.evaluation.regression import rmse_interval, sizes, skill_interval
from murmur_training.snapshot import Snapshot

Floats = npt.NDArray[np.float64]


def measured(model: xgboost.Booster, fitted: Floats, snapshot: Snapshot) -> dict[str, float]:
    """The metrics of a run beside those that train.py logged. fitted: what the model says of the train rows, [n].

    Of a regression `rmse` and `mae` on the holdout, `rmse_low` and `rmse_high` around the first, the same two of each
    baseline, such as `rmse_persistence`; and `skill`, 1 - rmse / the rmse of the best baseline, with its interval.
    """
    rows = {"train_rows": float(len(snapshot.train)), "holdout_rows": float(len(snapshot.holdout))}
    if snapshot.section.task == "classification":
        found = metrics(snapshot.rows.y, fitted)
        return {"train_auc": found["auc"], "train_log_loss": found["log_loss"], **rows}
    return {"train_rmse": sizes(snapshot.rows.y - fitted)["rmse"], **_of_holdout(model, snapshot), **rows}


def _of_holdout(model: xgboost.Booster, snapshot: Snapshot) -> dict[str, float]:
    section, rows = snapshot.section, snapshot.holdout
    truth = rows[section.target].to_numpy()
    errors = truth - outputs.predict(model, rows[list(section.features)], task="regression")
    interval = rmse_interval(errors)
    found = {**sizes(errors), "rmse_low": interval.low, "rmse_high": interval.high}
    baselines = {name: truth - rows[name].to_numpy() for name in section.baselines}
    for name, theirs in baselines.items():
        found |= {f"{kind}_{name}": value for kind, value in sizes(theirs).items()}
    if baselines:
        best = min(baselines.values(), key=lambda theirs: sizes(theirs)["rmse"])
        skill = skill_interval(errors, best)
        found |= {"skill": skill.value, "skill_low": skill.low, "skill_high": skill.high}
    return {name: value for name, value in found.items() if np.isfinite(value)}
