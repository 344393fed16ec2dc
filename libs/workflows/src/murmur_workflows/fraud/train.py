"""Gradient-boosted trees that say how likely a card payment is to be fraud."""

import xgboost

from murmur_training import TrainingContext


def train(context: TrainingContext) -> xgboost.Booster:
    """Chooses the threshold on the newest fifth, which a model of the older weeks has not seen; learns from all."""
    parameters = dict(context.parameters)
    rounds = int(parameters.pop("rounds"))
    measures = ["logloss", "aucpr"]
    settings = {
        "objective": "binary:logistic",
        "eval_metric": measures,
        "seed": context.seed,
        "nthread": 1,
        **parameters,
    }
    older, newest = context.train.split(0.2)
    watched = [(newest.matrix(), "newest")]
    curves = [context.curves(rounds)]
    trial = xgboost.train(settings, older.matrix(), rounds, evals=watched, callbacks=curves, verbose_eval=25)
    context.use_threshold(context.least_cost_threshold(newest, trial.predict(newest.matrix())))
    return xgboost.train(settings, context.train.matrix(), rounds)
