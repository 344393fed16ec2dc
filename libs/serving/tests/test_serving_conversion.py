"""A converted model answers as XGBoost does, to 1e-6, or it does not serve."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from murmur_events.values import ColumnSpec, Signature
from murmur_serving.config import REFERENCE_FILE
from murmur_serving.conversion.graph import write_graph
from murmur_serving.conversion.trees import NotConvertible, read_forest
from murmur_serving.engines.choosing import BATCH_FROM, choose
from murmur_serving.engines.onnx import OnnxPredictor

COLUMNS = 12
CATEGORIES = {2: 7, 5: 45, 9: 400}
"""By column: few enough for one-hot splits, some, and many."""


def rows_like_those_of_training(count: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    rows = draw.normal(0, 3, (count, COLUMNS))
    for column, known in CATEGORIES.items():
        rows[:, column] = draw.integers(0, known, count)
    rows[draw.random(rows.shape) < 0.08] = np.nan
    return rows


def train(objective: str = "binary:logistic", *, rounds: int = 60, **parameters: Any) -> xgboost.Booster:
    rows = rows_like_those_of_training(6000, seed=1)
    filled = np.nan_to_num(rows)
    label = filled[:, 0] + np.sin(filled[:, 2] * 2) * 3 + np.cos(filled[:, 9]) * 4 + filled[:, 5] % 3
    if "logistic" in objective or "logitraw" in objective:
        label = (label > np.median(label)).astype(float)
    types = ["c" if column in CATEGORIES else "q" for column in range(COLUMNS)]
    data = xgboost.DMatrix(rows, label=label, feature_types=types, enable_categorical=True)
    wanted = {"objective": objective, "nthread": 1, "max_depth": 6, "max_cat_to_onehot": 10, **parameters}
    return xgboost.train(wanted, data, rounds)


def signature() -> Signature:
    return Signature(inputs=tuple(ColumnSpec(name=f"c{column}") for column in range(COLUMNS)))


def converted(booster: xgboost.Booster) -> OnnxPredictor:
    return OnnxPredictor.load(write_graph(read_forest(bytes(booster.save_raw("json")))), signature())


def original(booster: xgboost.Booster, rows: np.ndarray) -> np.ndarray:
    return np.asarray(booster.inplace_predict(rows, missing=np.nan, validate_features=False), dtype=np.float64)


def as_served(predictor: OnnxPredictor, rows: np.ndarray) -> np.ndarray:
    """In calls of one row, of few, and of as many as there ever are, in turn."""
    answered, begin = [], 0
    for size in itertools.cycle((1, 7, 64, BATCH_FROM - 1)):
        if begin >= len(rows):
            return np.concatenate(answered)
        answered.append(predictor.predict(rows[begin : begin + size]))
        begin += size
    raise AssertionError("a cycle does not end")


def test_100_000_rows_with_missing_values_and_categories_are_answered_as_by_xgboost() -> None:
    booster = train(rounds=200)
    rows = rows_like_those_of_training(100_000, seed=2)
    rows[:500, 9] = 5_000  # a category that no tree knows
    rows[500:1000, 5] = -1
    rows = np.random.default_rng(4).permutation(rows)
    apart = np.abs(as_served(converted(booster), rows) - original(booster, rows))
    assert apart.max() <= 1e-6


@pytest.mark.parametrize(
    ("objective", "parameters"),
    [
        ("binary:logistic", {"base_score": 0.03}),
        ("binary:logistic", {"booster": "dart", "rate_drop": 0.3}),
        ("binary:logistic", {"gamma": 50.0}),  # many nodes are pruned, some trees are one leaf
        ("binary:logistic", {"num_parallel_tree": 3, "subsample": 0.5}),
        ("binary:logistic", {"tree_method": "exact", "feature_types": None}),
        ("binary:logitraw", {}),
        ("reg:squarederror", {"base_score": 7.5}),
    ],
)
def test_kinds_of_models_are_answered_as_by_xgboost(objective: str, parameters: dict[str, Any]) -> None:
    if parameters.pop("feature_types", "") is None:
        rows = rows_like_those_of_training(2000, seed=1)
        data = xgboost.DMatrix(rows, label=(np.nan_to_num(rows[:, 0]) > 0).astype(float))
        booster = xgboost.train({"objective": objective, "nthread": 1, **parameters}, data, 20)
    else:
        booster = train(objective, **parameters)
    rows = rows_like_those_of_training(5000, seed=3)
    expected = original(booster, rows)
    assert np.max(np.abs(as_served(converted(booster), rows) - expected) / np.maximum(1, np.abs(expected))) <= 1e-6


@pytest.mark.parametrize(
    ("objective", "parameters", "complaint"),
    [
        ("count:poisson", {}, "objective is 'count:poisson'"),
        ("binary:logistic", {"booster": "gblinear"}, "booster is 'gblinear'"),
        ("multi:softprob", {"num_class": 3}, "objective is 'multi:softprob'"),
    ],
)
def test_what_the_conversion_does_not_know_is_refused(
    objective: str, parameters: dict[str, Any], complaint: str
) -> None:
    rows = np.random.default_rng(0).normal(0, 1, (200, 3))
    label = np.random.default_rng(1).integers(0, 3 if "multi" in objective else 2, 200)
    booster = xgboost.train({"objective": objective, "nthread": 1, **parameters}, xgboost.DMatrix(rows, label=label), 3)
    with pytest.raises(NotConvertible, match=complaint):
        read_forest(bytes(booster.save_raw("json")))


def test_a_base_score_as_xgboost_2_wrote_it_is_read(model) -> None:
    document = json.loads(bytes(model.booster.save_raw("json")))
    modern = read_forest(json.dumps(document).encode())
    [score] = json.loads(document["learner"]["learner_model_param"]["base_score"])
    document["learner"]["learner_model_param"]["base_score"] = str(score)
    assert read_forest(json.dumps(document).encode()) == modern


async def test_an_equal_conversion_serves_few_rows_and_is_kept_beside_the_model(model, tmp_path: Path) -> None:
    config = model.config(tmp_path / "logs").model_copy(update={"convert": True})
    model.write(tmp_path, config)
    engine = await choose(tmp_path, config)
    assert engine.name == "onnxruntime"
    for count in (1, BATCH_FROM):
        rows = np.resize(model.rows, (count, 3))
        assert np.abs(engine.predictor.predict(rows) - model.expected(rows)).max() <= 1e-6
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob(f"{model.sha256}*")}
    assert set(kept) == {f"{model.sha256}.onnx", f"{model.sha256}.proof.json"}
    assert (await choose(tmp_path, config)).name == "onnxruntime"
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob(f"{model.sha256}*")} == kept


async def test_without_a_reference_xgboost_serves(model, tmp_path: Path) -> None:
    config = model.config(tmp_path / "logs").model_copy(update={"convert": True})
    model.write(tmp_path, config)
    (tmp_path / "reference.parquet").unlink()
    assert (await choose(tmp_path, config)).name == "xgboost"
    assert "no reference" in (tmp_path / f"{model.sha256}.proof.json").read_text()


async def test_a_converted_file_that_was_changed_is_made_anew(model, tmp_path: Path) -> None:
    config = model.config(tmp_path / "logs").model_copy(update={"convert": True})
    model.write(tmp_path, config)
    await choose(tmp_path, config)
    kept = tmp_path / f"{model.sha256}.onnx"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1] + b"\0")
    assert (await choose(tmp_path, config)).name == "onnxruntime"
    assert kept.read_bytes() == whole


async def test_the_next_replica_of_a_version_finds_its_conversion_and_no_refusal(model: Any, tmp_path: Path) -> None:
    kept = tmp_path / "conversions"
    config = model.config(tmp_path / "logs").model_copy(update={"convert": True, "conversions": kept})
    folders = [tmp_path / name for name in ("unproven", "first", "second")]
    for folder in folders:
        model.write(folder, config)
    for without in (folders[0], folders[2]):
        (without / REFERENCE_FILE).unlink()

    engines = [(await choose(folder, config)).name for folder in folders]

    assert engines == ["xgboost", "onnxruntime", "onnxruntime"]
    assert sorted(path.name for path in kept.iterdir()) == [f"{model.sha256}.onnx", f"{model.sha256}.proof.json"]
