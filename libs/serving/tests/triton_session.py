"""`python triton_session.py http|grpc <port> <rows.npz>`: all that tritonclient asks of a model server."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

COLUMNS = ["limit", "age", "education"]


def main() -> None:
    door, port, path = sys.argv[1:]
    module = {"http": tritonclient.http, "grpc": tritonclient.grpc}[door]
    client = module.InferenceServerClient(f"127.0.0.1:{port}")
    data = np.load(path)
    told = {} if door == "http" else {"as_json": True}
    metadata(client, told)
    for rows in (1, len(data["rows"])):
        for binary_in, binary_out in ((True, True), (True, False), (False, True), (False, False)):
            if door == "http" or (binary_in and binary_out):
                infer(module, client, data["rows"][:rows], data["expected"][:rows], binary_in, binary_out)
    by_column(module, client, data["rows"], data["expected"])
    refused(module, client)
    repository(client, told)
    print("all done")  # noqa: T201


def metadata(client: Any, told: dict[str, bool]) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("credit")
    assert client.is_model_ready("credit", "3")
    assert "binary_tensor_data" in client.get_server_metadata(**told)["extensions"]
    model = client.get_model_metadata("credit", **told)
    assert (model["name"], model["versions"]) == ("credit", ["3"])
    assert [one["name"] for one in model["inputs"]] == COLUMNS


def infer(
    module: ModuleType, client: Any, rows: np.ndarray, expected: np.ndarray, binary_in: bool, binary_out: bool
) -> None:
    if not binary_in:
        rows, expected = rows[~np.isnan(rows).any(axis=1)], expected[~np.isnan(rows).any(axis=1)]  # JSON has no NaN
        if not len(rows):
            return
    matrix = module.InferInput("x", list(rows.shape), "FP64")
    output = module.InferRequestedOutput("probability")
    if module is tritonclient.http:
        matrix.set_data_from_numpy(rows, binary_data=binary_in)
        output = module.InferRequestedOutput("probability", binary_data=binary_out)
    else:
        matrix.set_data_from_numpy(rows)
    answer = client.infer("credit", [matrix], outputs=[output], request_id="t-1")
    assert answer.get_response(**({} if module is tritonclient.http else {"as_json": True}))["id"] == "t-1"
    assert np.abs(answer.as_numpy("probability") - expected).max() <= 1e-6


def by_column(module: ModuleType, client: Any, rows: np.ndarray, expected: np.ndarray) -> None:
    """A tensor a column, of different types; no outputs named."""
    inputs = []
    for place, name in enumerate(COLUMNS):
        inputs.append(module.InferInput(name, [len(rows), 1], "FP64" if place == 0 else "INT64"))
        values = rows[:, [place]]
        inputs[-1].set_data_from_numpy(values if place == 0 else values.astype(np.int64))
    answer = client.infer("credit", inputs, model_version="3")
    assert np.abs(answer.as_numpy("probability") - expected).max() <= 1e-6


def refused(module: ModuleType, client: Any) -> None:
    matrix = module.InferInput("x", [1, 2], "FP64")
    matrix.set_data_from_numpy(np.ones((1, 2)))
    try:
        client.infer("credit", [matrix])
    except InferenceServerException as error:
        said = str(error)
    else:
        said = "two values were taken for a row of three"
    assert "is no column of the model" in said


def repository(client: Any, told: dict[str, bool]) -> None:
    listed = client.get_model_repository_index(**told)
    assert [one["name"] for one in (listed["models"] if told else listed)] == ["credit"]
    client.unload_model("credit")
    try:
        client.get_model_metadata("credit", **told)
    except InferenceServerException:
        pass
    else:
        raise AssertionError("the model was unloaded, and still described")
    client.load_model("credit")
    assert client.is_model_ready("credit")


if __name__ == "__main__":
    main()
