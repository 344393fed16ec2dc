"""How the model is made. Everything of this file is yours to change; train() is what is called."""

import xgboost

from murmur_training import TrainingContext


def train(context: TrainingContext) -> xgboost.Booster:
    """Watches the learning curve on a fifth of the rows, then learns from all of them."""
    parameters = dict(context.parameters)
    rounds = int(parameters.pop("rounds"))
    measures = ["logloss", "auc"]
    settings = {"objective": "binary:logistic", "eval_metric": measures, "seed": context.seed, **parameters}
    fit, check = context.train.split(0.2)
    watched = [(check.matrix(), "check")]
    curves = [context.curves(rounds)]
    xgboost.train(settings, fit.matrix(), rounds, evals=watched, callbacks=curves, verbose_eval=25)
    return xgboost.train(settings, context.train.matrix(), rounds)
