"""XGBoost itself, from UBJ."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import xgboost

from murmur_events.values import Signature
from murmur_serving.engines.port import Matrix, Outputs, Unfit


class XGBoostPredictor:
    """One thread: a replica is one core's work, and more load means more replicas."""

    takes_missing = True

    def __init__(self, booster: xgboost.Booster) -> None:
        self._booster = booster

    @classmethod
    def load(cls, content: bytes, signature: Signature) -> Self:
        """content: bytes whose digest was checked. Raises Unfit."""
        try:
            booster = xgboost.Booster(params={"nthread": 1}, model_file=bytearray(content))
        except xgboost.core.XGBoostError as error:
            raise Unfit(f"is no XGBoost model: {str(error).splitlines()[-1]}") from error
        _check_signature(booster, signature)
        return cls(booster)

    @property
    def feature_types(self) -> Sequence[str] | None:
        return self._booster.feature_types

    def as_json(self) -> bytes:
        return bytes(self._booster.save_raw("json"))

    def predict(self, rows: Matrix) -> Outputs:
        outputs = self._booster.inplace_predict(rows, missing=np.nan, validate_features=False)
        return np.asarray(outputs, dtype=np.float64)


def _check_signature(booster: xgboost.Booster, signature: Signature) -> None:
    promised = [column.name for column in signature.inputs]
    if booster.num_features() != len(promised):
        raise Unfit(f"takes {booster.num_features()} columns, its signature names {len(promised)}: {promised!r}")
    if booster.feature_names is not None and booster.feature_names != promised:
        raise Unfit(f"was trained on the columns {booster.feature_names!r}, its signature names {promised!r}")
