"""What the runtime loads, answers and refuses."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from mlserver.types import InferenceRequest, RequestInput

from murmur_events.values import ColumnSpec, Signature
from murmur_serving.errors import InvalidRequest, ModelRefused
from murmur_serving.predictionlog import rows_below


def tensor(name: str, data: list[Any], shape: list[int] | None = None, datatype: str = "FP64") -> dict[str, Any]:
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}


def columns(rows: np.ndarray, *, datatype: str = "FP64") -> list[dict[str, Any]]:
    names = ("limit", "age", "education")
    return [
        tensor(name, rows[:, i].tolist(), datatype=datatype if name == "limit" else "INT64")
        for i, name in enumerate(names)
    ]


def request(inputs: list[dict[str, Any]], **more: Any) -> InferenceRequest:
    return InferenceRequest.model_validate({"id": "r-1", "inputs": inputs, **more})


async def answers(runtime: Any, inputs: list[dict[str, Any]]) -> np.ndarray:
    response = await runtime.predict(request(inputs))
    return np.array(response.outputs[0].data.root)


async def test_named_columns_are_answered_as_the_booster_answers(model, load) -> None:
    runtime = await load()
    assert np.allclose(await answers(runtime, columns(model.rows)), model.expected(model.rows), atol=1e-7)


async def test_the_order_of_the_columns_does_not_matter(model, load) -> None:
    runtime = await load()
    shuffled = columns(model.rows)[::-1]
    assert np.allclose(await answers(runtime, shuffled), model.expected(model.rows), atol=1e-7)


@pytest.mark.parametrize("nested", [False, True])
async def test_one_matrix_is_answered_as_the_booster_answers(model, load, nested) -> None:
    runtime = await load()
    rows = model.rows[:50]
    data = rows.tolist() if nested else rows.ravel().tolist()
    given = [tensor("input", data, [50, 3])]
    assert np.allclose(await answers(runtime, given), model.expected(rows), atol=1e-7)


async def test_columns_may_be_n_by_one(model, load) -> None:
    runtime = await load()
    given = [each | {"shape": [400, 1]} for each in columns(model.rows)]
    assert np.allclose(await answers(runtime, given), model.expected(model.rows), atol=1e-7)


async def test_missing_values_are_answered_as_the_booster_answers(model, load) -> None:
    runtime = await load()
    rows = model.rows[:40].copy()
    rows[::2, 0] = np.nan
    rows[::3, 2] = np.nan
    data = [[None if np.isnan(value) else value for value in row] for row in rows.tolist()]
    assert np.allclose(await answers(runtime, [tensor("x", data, [40, 3])]), model.expected(rows), atol=1e-7)


async def test_the_answer_names_request_model_version_and_output(model, load) -> None:
    runtime = await load()
    response = await runtime.predict(request(columns(model.rows[:2]), outputs=[{"name": "probability"}]))
    assert (response.id, response.model_name, response.model_version) == ("r-1", "credit", "3")
    assert (response.outputs[0].name, response.outputs[0].shape, response.outputs[0].datatype) == (
        "probability",
        [2],
        "FP32",
    )


GOOD = {
    "limit": tensor("limit", [100.0]),
    "age": tensor("age", [30], datatype="INT64"),
    "education": tensor("education", [2.0]),
}


def but(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [GOOD[name] | changes.get(name, {}) for name in GOOD]


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ([GOOD["limit"], GOOD["age"]], "'education' is missing"),
        ([*GOOD.values(), tensor("height", [1.0])], "unknown input 'height'"),
        ([*GOOD.values(), GOOD["age"]], "'age' is given more than once"),
        ([], "'limit', 'age', 'education' is missing"),
        (but(age={"shape": [2], "data": [30, 31]}), r"'age' has shape \[2\]: expected \[1\] or \[1, 1\]"),
        (but(limit={"shape": [2], "data": [1.0]}, age={"shape": [2]}), "'limit' has 1 values"),
        (but(limit={"shape": [10**12]}), "'limit' has 1 values, but its shape"),
        (but(limit={"shape": [-1]}), r"'limit' has shape \[-1\]"),
        (but(limit={"shape": []}), r"'limit' has shape \[\]"),
        ([tensor("x", [1.0, 2.0], [1, 2])], r"'x' has shape \[1, 2\] and is no column"),
        ([tensor("x", [[1.0, 2.0, 3.0], [1.0]], [2, 3])], "nested data that does not fit"),
        (but(limit={"datatype": "BYTES", "data": ["100"]}), "'limit' has datatype 'BYTES'"),
        (but(limit={"data": ["100"]}), "'limit' contains '100'"),
        (but(limit={"data": [True]}), "'limit' contains True"),
        (but(limit={"data": "100"}), "'limit' has data of type 'str'"),
        (but(limit={"data": [10**400]}), "'limit' contains a number that no FP64 can hold"),
        (but(limit={"data": [float("inf")]}), "'limit' is infinite in row 0"),
        (but(age={"data": [None]}), "'age' contains null: INT64 has no missing value"),
        (but(age={"data": [30.5]}), "'age' contains 30.5: INT64 takes whole numbers"),
        (but(age={"data": [30.5], "datatype": "FP64"}), "'age' is 30.5 in row 0: it takes whole numbers"),
        (
            but(education={"data": [7]}),
            "'education' is 7.0 in row 0, a category that training never saw: known are 1, 2, 3",
        ),
        ([tensor("x", [], [0, 3])], "the request has no rows"),
    ],
)
async def test_a_request_that_does_not_fit_is_refused_by_name(load, inputs, complaint) -> None:
    runtime = await load()
    with pytest.raises(InvalidRequest, match=complaint) as refused:
        await runtime.predict(request(inputs))
    assert refused.value.status_code == 400


async def test_an_output_that_does_not_exist_is_refused(load) -> None:
    runtime = await load()
    with pytest.raises(InvalidRequest, match="output 'score' does not exist: the only one is 'probability'"):
        await runtime.predict(request(list(GOOD.values()), outputs=[{"name": "score"}]))


async def test_an_endless_request_id_is_refused(load) -> None:
    runtime = await load()
    with pytest.raises(InvalidRequest, match="has 300 characters: send at most 256"):
        await runtime.predict(request(list(GOOD.values())).model_copy(update={"id": "x" * 300}))


async def test_tensors_as_grpc_brings_them_are_read(model, load) -> None:
    runtime = await load()
    inputs = [RequestInput.model_construct(**(each | {"data": _Data(each["data"])})) for each in GOOD.values()]
    response = await runtime.predict(InferenceRequest.model_construct(id="g", inputs=inputs, outputs=None))
    assert np.allclose(response.outputs[0].data.root, model.expected(np.array([[100.0, 30.0, 2.0]])), atol=1e-7)


class _Data:
    def __init__(self, root: list[Any]) -> None:
        self.root = root


async def test_a_changed_model_file_is_refused_at_load(model, load, altered) -> None:
    with pytest.raises(ModelRefused, match=altered.sha256) as refused:
        await load(served=altered)
    assert model.sha256 in str(refused.value)


async def test_a_file_that_is_no_model_is_refused(load, altered, model) -> None:
    nonsense = type(model)(model.booster, b"not a model", model.rows)
    with pytest.raises(ModelRefused, match="is no XGBoost model"):
        await load(served=nonsense, sha256=nonsense.sha256)


async def test_a_missing_model_file_is_refused(load, tmp_path: Path) -> None:
    runtime = await load()
    (tmp_path / "replica" / "model.ubj").unlink()
    with pytest.raises(ModelRefused, match=r"model\.ubj.* cannot be read: No such file"):
        await runtime.load()


@pytest.mark.parametrize(
    ("names", "complaint"),
    [(("limit", "age"), "takes 3 columns, its signature names 2"), (("age", "limit", "education"), "was trained on")],
)
async def test_a_signature_of_another_model_is_refused(load, names, complaint) -> None:
    signature = Signature(inputs=tuple(ColumnSpec(name=name) for name in names))
    with pytest.raises(ModelRefused, match=complaint):
        await load(signature=signature)


async def test_a_categorical_booster_is_answered_as_it_answers(model, load) -> None:
    names, kinds = ["limit", "age", "education"], ["q", "int", "c"]
    label = (model.rows[:, 2] == 2).astype(int)
    data = xgboost.DMatrix(model.rows, label=label, feature_names=names, feature_types=kinds, enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, "tree_method": "hist"}, data, 5)
    served = type(model)(booster, bytes(booster.save_raw("ubj")), model.rows)
    runtime = await load(served=served, sha256=served.sha256)
    assert np.allclose(await answers(runtime, columns(model.rows)), booster.predict(data), atol=1e-7)


async def test_a_sample_of_the_log_is_chosen_by_id_and_holds_every_failure(load, tmp_path: Path) -> None:
    runtime = await load(logged=0.5)
    for _ in range(2):
        for number in range(200):
            await runtime.predict(request(list(GOOD.values()), id=f"good-{number}"))
    for number in range(20):
        with pytest.raises(InvalidRequest):
            await runtime.predict(request([], id=f"bad-{number}"))

    rows = rows_below(tmp_path / "logs")
    answered = Counter(row.request_id for row in rows if row.status == 200)
    assert 60 < len(answered) < 140
    assert set(answered.values()) == {2}
    assert [row.request_id for row in rows if row.status == 400] == [f"bad-{number}" for number in range(20)]
