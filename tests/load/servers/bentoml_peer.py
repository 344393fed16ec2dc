"""BentoML as its documentation shows it: `bentoml serve bentoml_peer:Fraud`. Imports nothing of Murmuration."""

import os

import bentoml
import numpy as np
import xgboost


@bentoml.service(workers=1)
class Fraud:
    def __init__(self) -> None:
        self.booster = xgboost.Booster(params={"nthread": 1}, model_file=os.environ["MODEL"])

    @bentoml.api
    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.booster.inplace_predict(rows, validate_features=False)
