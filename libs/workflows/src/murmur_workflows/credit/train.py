"""Gradient-boosted trees that say how likely a customer is to miss the next payment."""

import xgboost

from murmur_training import TrainingContext


def train(context: TrainingContext) -> xgboost.Booster:
    """Draws the learning curve on a fifth of the customers, then learns from all of them."""
    parameters = dict(context.parameters)
    rounds = int(parameters.pop("rounds"))
    measures = ["logloss", "auc"]
    settings = {
        "objective": "binary:logistic",
        "eval_metric": measures,
        "seed": context.seed,
        "nthread": 1,  # for some thousand rows a second thread gains nothing
        **parameters,
    }
    fit, check = context.train.split(0.2)
    watched = [(check.matrix(), "check")]
    curves = [context.curves(rounds)]
    xgboost.train(settings, fit.matrix(), rounds, evals=watched, callbacks=curves, verbose_eval=20)
    return xgboost.train(settings, context.train.matrix(), rounds)
