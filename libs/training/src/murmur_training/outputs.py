"""Makes of what train() returned all that others need of a model, computed by the model as it was saved."""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost

from murmur_events.values import ColumnSpec, Signature
from murmur_training.errors import OutputInvalid
from murmur_training.snapshot import Snapshot, write_parquet
from murmur_training.spec import MODEL, PROBE, REFERENCE, SIGNATURE

Task = Literal["classification", "regression"]

PROBE_ROWS = 16
PREDICTION = "prediction"
"""The reference window's column with the model's output."""


def save_model(returned: Any, features: tuple[str, ...], folder: Path) -> xgboost.Booster:
    """Saves the model as UBJ and gives it back as read from that file.

    A model that stopped early is cut to its best round, since that is the one its author means. Raises `OutputInvalid`.
    """
    booster = _booster_of(returned)
    if booster.num_features() != len(features):
        raise OutputInvalid(
            f"the model takes {booster.num_features()} columns, the workflow has {len(features)} features:"
            f" train on context.train.X as it is"
        )
    if booster.feature_names is not None and tuple(booster.feature_names) != features:
        raise OutputInvalid(
            "the model's columns are not data.features in their order: train on context.train.X as it is"
        )
    booster.save_model(folder / MODEL)
    return xgboost.Booster(model_file=folder / MODEL)


def predict(model: xgboost.Booster, rows: pd.DataFrame, *, task: Task = "classification") -> npt.NDArray[np.float64]:
    """Probabilities [n], or numbers [n] of a regression. Raises `OutputInvalid` for a model that gives others."""
    try:
        raw = model.predict(xgboost.DMatrix(rows))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise OutputInvalid(f"the saved model cannot predict plain numbers: {error}") from error
    output = np.asarray(raw, dtype=np.float64)
    if task == "regression":
        if output.shape != (len(rows),) or not np.isfinite(output).all():
            raise OutputInvalid(
                f"the model gives {output.shape!r} values, not one finite number for each of {len(rows):,} rows:"
                f" train with objective='reg:squarederror'"
            )
        return output
    if output.shape != (len(rows),) or not ((output >= 0) & (output <= 1)).all():
        raise OutputInvalid(
            f"the model gives {output.shape!r} values between {np.min(output):g} and {np.max(output):g}, not one"
            f" probability for each of {len(rows):,} rows: train with objective='binary:logistic'"
        )
    return output


def signature_of(loaded: pd.DataFrame, snapshot: Snapshot) -> Signature:
    """What stands in each input column: codes (with those seen in training), whole numbers by type, or amounts."""
    output = "value" if snapshot.section.task == "regression" else "probability"
    inputs = tuple(_column(name, loaded, snapshot) for name in snapshot.section.features)
    return Signature(inputs=inputs, output=output)


def write_outputs(model: xgboost.Booster, signature: Signature, snapshot: Snapshot, folder: Path) -> None:
    """Writes signature.json, probe.json (a V2 request and the outputs for it) and reference.parquet."""
    (folder / SIGNATURE).write_text(signature.model_dump_json(indent=2))
    (folder / PROBE).write_text(json.dumps(_probe(model, snapshot)))
    reference = snapshot.reference.reset_index(drop=True)
    predicted = predict(model, reference, task=snapshot.section.task)
    write_parquet(reference.assign(**{PREDICTION: predicted}), folder / REFERENCE)


def inference_request(rows: pd.DataFrame) -> dict[str, Any]:
    """The rows in the Open Inference Protocol V2: one FP64 tensor [n, 1] per column. JSON has no NaN: give whole
    rows."""
    return {
        "inputs": [
            {"name": name, "shape": [len(rows), 1], "datatype": "FP64", "data": rows[name].astype(float).tolist()}
            for name in rows.columns
        ]
    }


def _probe(model: xgboost.Booster, snapshot: Snapshot) -> dict[str, Any]:
    """Rows from all over the train part, so that a server with swapped columns or another model answers them
    wrongly."""
    whole = _without_gaps(snapshot)
    picked = np.unique(np.linspace(0, len(whole) - 1, PROBE_ROWS).astype(int))
    rows = whole.iloc[picked]
    return {"request": inference_request(rows), "outputs": predict(model, rows, task=snapshot.section.task).tolist()}


def _without_gaps(snapshot: Snapshot) -> pd.DataFrame:
    """Train rows in which nothing is missing. Where there are none, gaps are filled with values that a server takes:
    of a category it takes those only that were seen."""
    rows = snapshot.rows.X
    whole = rows.dropna()
    if len(whole):
        return whole
    codes = {name: rows[name].min() for name in snapshot.section.categories}
    return rows.fillna(codes).fillna(0.0)


def _booster_of(returned: Any) -> xgboost.Booster:
    match returned:
        case xgboost.XGBClassifier() | xgboost.XGBRegressor():
            booster = returned.get_booster()
        case xgboost.Booster():
            booster = returned
        case _:
            raise OutputInvalid(
                f"train() returned {type(returned).__name__!r}: return the xgboost.Booster, XGBClassifier or"
                f" XGBRegressor it fitted"
            )
    try:
        best = booster.best_iteration
    except AttributeError:  # XGBoost's way to say that nothing stopped early
        return booster
    return booster[: best + 1]


def _column(name: str, loaded: pd.DataFrame, snapshot: Snapshot) -> ColumnSpec:
    if name in snapshot.section.categories:
        seen = snapshot.train[name].dropna().unique()
        return ColumnSpec(name=name, dtype="category", categories=tuple(sorted(float(value) for value in seen)))
    whole = loaded[name].dtype.kind in "iub"
    return ColumnSpec(name=name, dtype="integer" if whole else "float")
