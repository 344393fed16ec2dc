"""Models of each format are loaded and answered, and what is no such model is refused."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from onnx import GraphProto, TensorProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.numpy_helper import from_array
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from murmur_serving.engines.choosing import Engine, choose
from murmur_serving.errors import InvalidRequest, ModelRefused


async def load(model, directory: Path, content: bytes, format: str) -> Engine:
    config = model.config(directory / "logs").model_copy(
        update={"format": format, "sha256": hashlib.sha256(content).hexdigest()}
    )
    (directory / config.model_file).write_bytes(content)
    return await choose(directory, config)


def labels(rows: np.ndarray) -> np.ndarray:
    return (rows[:, 0] > 100).astype(int)


def onnx_model(columns: int = 3, *, output: int = TensorProto.FLOAT, rows: int | None = None) -> bytes:
    """Sums a row."""
    given = make_tensor_value_info("x", TensorProto.FLOAT, [rows, columns])
    nodes = [make_node("ReduceSum", ["x", "axis"], ["sum"], keepdims=0), make_node("Cast", ["sum"], ["y"], to=output)]
    axis = from_array(np.array([1], np.int64), "axis")
    graph = make_graph(nodes, "g", [given], [make_tensor_value_info("y", output, [rows])], [axis])
    return _as_bytes(graph)


def onnx_of_many(numbers: int, *, labels: bool = False, told: bool = True) -> bytes:
    """Once, twice, … the sum of a row; after labels, as scikit-learn's converters write classifiers. told: whether the
    model says how many numbers there are."""
    given = make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])
    factors = from_array(np.outer(np.ones(3), np.arange(1, numbers + 1)).astype(np.float32), "factors")
    every = from_array(np.ones(numbers, bool), "every")  # how many that leaves is only known once it runs
    nodes = [make_node("MatMul", ["x", "factors"], ["z"]), make_node("Compress", ["z", "every"], ["y"], axis=1)]
    if told:
        nodes = [make_node("MatMul", ["x", "factors"], ["y"])]
    outputs = [make_tensor_value_info("y", TensorProto.FLOAT, [None, numbers if told else "classes"])]
    if labels:
        nodes.append(make_node("ArgMax", ["y"], ["label"], axis=1, keepdims=0))
        outputs.insert(0, make_tensor_value_info("label", TensorProto.INT64, [None]))
    return _as_bytes(make_graph(nodes, "g", [given], outputs, [factors, every]))


def _as_bytes(graph: GraphProto) -> bytes:
    return bytes(make_model(graph, opset_imports=[make_opsetid("", 17)], ir_version=8).SerializeToString())


async def test_an_onnx_model_answers(model, tmp_path: Path) -> None:
    engine = await load(model, tmp_path, onnx_model(), "onnx")
    assert engine.name == "onnxruntime"
    assert engine.predictor.predict(model.rows[:5]) == pytest.approx(model.rows[:5].sum(axis=1), rel=1e-6)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"not a model", "is no ONNX model"),
        (onnx_model(4), r"takes \[None, 4\].*names 3 columns|takes \['.*', 4\], its signature names 3"),
        (onnx_model(output=TensorProto.INT64), "gives 'y' as 'tensor\\(int64\\)'"),
        (onnx_model(rows=1), "takes 1 rows at once"),
        (onnx_of_many(2), r"gives 'y' as \[.*, 2\]: it must be one number a row"),
        (onnx_of_many(3, labels=True), r"gives 'y' as \[.*, 3\]: it must be one number a row"),
    ],
)
async def test_what_is_no_such_onnx_model_is_refused(model, tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(ModelRefused, match=complaint):
        await load(model, tmp_path, content, "onnx")


@pytest.mark.parametrize(("content", "factor"), [(onnx_of_many(1), 1), (onnx_of_many(2, labels=True), 2)])
async def test_one_number_a_row_may_stand_in_a_column_or_be_the_second_classs_probability(
    model, tmp_path: Path, content: bytes, factor: int
) -> None:
    engine = await load(model, tmp_path, content, "onnx")
    assert engine.predictor.predict(model.rows[:5]) == pytest.approx(model.rows[:5].sum(axis=1) * factor, rel=1e-6)


async def test_a_model_that_does_not_tell_its_shape_serves_one_number_a_row_or_nothing(model, tmp_path: Path) -> None:
    one = await load(model, tmp_path, onnx_of_many(1, told=False), "onnx")
    assert one.predictor.predict(model.rows[:5]) == pytest.approx(model.rows[:5].sum(axis=1), rel=1e-6)
    three = await load(model, tmp_path, onnx_of_many(3, labels=True, told=False), "onnx")
    with pytest.raises(ValueError, match="3 numbers a row"):
        three.predictor.predict(model.rows[:5])


@pytest.mark.parametrize("estimator", [make_pipeline(StandardScaler(), LogisticRegression()), GaussianNB()])
async def test_a_classifier_of_scikit_learn_answers_with_its_second_classs_probability(
    model, tmp_path: Path, estimator: Any
) -> None:
    estimator.fit(model.rows, labels(model.rows))
    engine = await load(model, tmp_path, skops.io.dumps(estimator), "skops")
    assert engine.name == "scikit-learn"
    assert engine.predictor.predict(model.rows) == pytest.approx(estimator.predict_proba(model.rows)[:, 1])


async def test_a_regression_of_scikit_learn_answers(model, tmp_path: Path) -> None:
    estimator = LinearRegression().fit(model.rows, model.rows[:, 0] * 2)
    engine = await load(model, tmp_path, skops.io.dumps(estimator), "skops")
    assert engine.predictor.predict(model.rows) == pytest.approx(model.rows[:, 0] * 2)


class Stranger(LinearRegression):
    """What a file may name, and no server knows."""


async def test_types_that_are_not_scikit_learns_are_refused_by_name(model, tmp_path: Path) -> None:
    content = skops.io.dumps(Stranger().fit(model.rows, model.rows[:, 0]))
    with pytest.raises(ModelRefused, match=r"types that are not trusted: .*Stranger"):
        await load(model, tmp_path, content, "skops")


async def test_a_pickle_is_never_loaded(model, tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="is no skops model"):
        await load(model, tmp_path, pickle.dumps(LinearRegression()), "skops")


@pytest.mark.parametrize(
    ("columns", "label", "complaint"),
    [(2, 0, "'LogisticRegression' of 2 columns"), (3, 1, "without the probability of one of two classes")],
)
async def test_an_estimator_that_does_not_fit_its_signature_is_refused(
    model, tmp_path: Path, columns: int, label: int, complaint: str
) -> None:
    answer = labels(model.rows) if label == 0 else np.arange(len(model.rows)) % 3
    estimator = LogisticRegression(max_iter=500).fit(model.rows[:, :columns] / 100, answer)
    with pytest.raises(ModelRefused, match=complaint):
        await load(model, tmp_path, skops.io.dumps(estimator), "skops")


async def test_an_estimator_that_takes_whole_rows_only_refuses_a_missing_value(model, load_format) -> None:
    estimator = LogisticRegression(max_iter=500).fit(model.rows / 100, labels(model.rows))
    runtime = await load_format(skops.io.dumps(estimator), "skops")
    from mlserver.types import InferenceRequest

    tensor = {"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [100.0, None, 2.0]}
    with pytest.raises(InvalidRequest, match="'age' is missing in row 0: this model takes whole rows only"):
        await runtime.predict(InferenceRequest.model_validate({"inputs": [tensor]}))
    assert (await runtime.metadata()).parameters.engine == "scikit-learn"
