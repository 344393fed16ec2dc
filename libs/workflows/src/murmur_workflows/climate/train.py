"""Gradient-boosted trees that say by how much the next value will differ from the last one."""

import xgboost

from murmur_training import TrainingContext


def train(context: TrainingContext) -> xgboost.Booster:
    """Draws the learning curve on the newest fifth of the past, then learns from all of it."""
    parameters = dict(context.parameters)
    parameters.pop("dataset")
    rounds = int(parameters.pop("rounds"))
    settings = {
        "objective": "reg:squarederror",
        "eval_metric": ["rmse"],
        "seed": context.seed,
        "nthread": 1,  # for a thousand rows a second thread gains nothing
        **parameters,
    }
    fit, check = context.train.split(0.2)
    watched = [(fit.matrix(), "fit"), (check.matrix(), "check")]
    xgboost.train(settings, fit.matrix(), rounds, evals=watched, callbacks=[context.curves(rounds)], verbose_eval=50)
    return xgboost.train(settings, context.train.matrix(), rounds)
