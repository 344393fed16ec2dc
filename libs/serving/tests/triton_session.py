"""`python triton_session.py http|grpc <port> <rows.npz>`: all that tritonclient asks of a model server."""

import queue
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
    if door == "grpc":
        stream(module, client, data["rows"], data["expected"])
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


def stream(module: ModuleType, client: Any, rows: np.ndarray, expected: np.ndarray) -> None:
    """Wrong requests, of the two ways to be wrong, and good ones around them: one stream, answers in their order."""
    heard: queue.Queue[tuple[Any, Any]] = queue.Queue()
    client.start_stream(lambda result, error: heard.put((result, error)))
    for number, width in enumerate((3, 2, 3, 0, 3)):
        values = rows[:1] if width == 3 else np.ones((1, width))
        matrix = module.InferInput("x", list(values.shape), "FP64")
        matrix.set_data_from_numpy(values)
        client.async_stream_infer("nobody" if not width else "credit", [matrix], request_id=f"s-{number}")
    told = [heard.get(timeout=20) for _ in range(5)]
    client.stop_stream()
    assert [error is None for _, error in told] == [True, False, True, False, True]
    assert [result.get_response(as_json=True)["id"] for result, _ in told if result] == ["s-0", "s-2", "s-4"]
    for result, error in told:
        assert error is not None or abs(result.as_numpy("probability")[0] - expected[0]) <= 1e-6
    assert "is no column of the model" in str(told[1][1])
    assert "nobody" in str(told[3][1])


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
