"""What would take a model server's memory, or its disk, is refused in the protocol's form, and is a row of the log."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import orjson
import psutil
import pytest
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from replicas import Replica, serving
from small_disks import small_disk

pytestmark = pytest.mark.flock

INFER = "/v2/models/credit/infer"
LENGTH = "inference-header-content-length"
JSON = {"content-type": "application/json"}
TRACED = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


@pytest.fixture(scope="module")
def replica(model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with serving(model, tmp_path_factory.mktemp("replica")) as running:
        yield running


def matrix(rows: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "shape": [len(rows), 3], "datatype": "FP64", "data": rows.tolist()}]}


def binary(**tensor: Any) -> tuple[bytes, dict[str, str]]:
    """A request whose only tensor comes in eight bytes behind the JSON."""
    head = orjson.dumps({"inputs": [{"name": "a", "datatype": "FP64", "parameters": {"binary_data_size": 8}} | tensor]})
    return head + b"\0" * 8, {LENGTH: str(len(head))}


@pytest.mark.parametrize(
    ("tensor", "complaint"),
    [
        ({"shape": ["x", 2_000_000_000]}, "a size is 'x'"),
        ({"shape": [2.5]}, "a size is 2.5"),
        ({"shape": [-1]}, "a size is -1"),
        ({"shape": [2**31] * 100_000}, "100000 sizes"),
        ({"shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": "abc"}}, "a size is 'abc'"),
        ({"shape": [2**31]}, "of FP64 says 17179869184"),
    ],
    ids=["text", "fraction", "negative", "many", "bytes", "large"],
)
def test_a_shape_that_is_none_takes_no_memory(replica: Replica, tensor: dict[str, Any], complaint: str) -> None:
    content, headers = binary(**tensor)
    known = len(replica.logged())
    with replica.client as client:
        answer = client.post(INFER, content=content, headers=headers | TRACED)
    assert (answer.status_code, complaint in answer.json()["error"]) == (400, True), answer.text
    assert [(row.status, row.trace[:4]) for row in replica.logged()[known:]] == [(400, "0af7")]


def test_a_length_that_no_number_holds_is_refused(replica: Replica) -> None:
    with replica.client as client:
        answer = client.post(INFER, content=b"{}", headers={LENGTH: "9" * 5000})
    assert (answer.status_code, "Inference-Header-Content-Length" in answer.json()["error"]) == (400, True)


def test_a_compressed_request_is_answered(replica: Replica, model) -> None:
    packed = gzip.compress(orjson.dumps(matrix(model.rows[:2])))
    with replica.client as client:
        answer = client.post(INFER, content=packed, headers=JSON | {"content-encoding": "gzip"})
    assert answer.json()["outputs"][0]["data"] == pytest.approx(model.expected(model.rows[:2]), abs=1e-7)


@pytest.mark.parametrize(
    ("content", "encoding", "status"),
    [
        (b"junk", "gzip", 400),
        (gzip.compress(b"{}")[:-4], "gzip", 400),
        (b"{}", "br", 400),
    ],
    ids=["junk", "cut", "unknown"],
)
def test_what_is_not_compressed_as_it_says_is_refused(replica, content: bytes, encoding: str, status: int) -> None:
    known = len(replica.logged())
    with replica.client as client:
        answer = client.post(INFER, content=content, headers=JSON | {"content-encoding": encoding})
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert [row.status for row in replica.logged()[known:]] == [status]


@pytest.mark.parametrize("packed", [True, False])
def test_a_request_of_any_size_leaves_the_server_as_it_was(replica: Replica, model, packed: bool) -> None:
    process = psutil.Process(replica.process.pid)
    before = process.memory_info().rss
    bomb = gzip.compress(b"[" * 2**30, 1) if packed else b"[" * (80 * 2**20)
    with replica.client as client:
        try:
            answer = client.post(
                INFER, content=bomb, headers=JSON | ({"content-encoding": "gzip"} if packed else {}), timeout=60
            )
            assert (answer.status_code, "larger than 67,108,864 bytes" in answer.json()["error"]) == (413, True)
        except httpx.TransportError:
            assert not packed, "the answer may come before all was sent, and the connection end"
        assert process.memory_info().rss - before < 300 * 2**20
        answer = client.post(INFER, json=matrix(model.rows[:1]))
    assert answer.status_code == 200


def test_a_full_disk_is_503_by_every_way_until_there_is_room(model, tmp_path: Path) -> None:
    request = pb.ModelInferRequest(model_name="credit", id="g-1")
    tensor = request.inputs.add(name="x", datatype="FP64", shape=[1, 3])
    tensor.contents.fp64_contents.extend(model.rows[0].tolist())
    wrong = pb.ModelInferRequest(model_name="credit")
    wrong.raw_input_contents.append(b"")
    fast = orjson.dumps(matrix(model.rows[:1]))
    slow = orjson.dumps(matrix(model.rows[:1]) | {"parameters": {"unknown": 1}})
    malformed, headers = binary(shape=["x"])
    with (
        small_disk(tmp_path / "disk", mebibytes=1) as disk,
        serving(model, tmp_path / "replica", log_directory=disk.path / "log") as replica,
        replica.client as client,
        grpc.insecure_channel(f"127.0.0.1:{replica.ports.grpc}") as channel,
    ):
        infer = GRPCInferenceServiceStub(channel).ModelInfer
        assert client.post(INFER, content=fast, headers=JSON).status_code == 200
        disk.fill()
        asked = [(fast, JSON), (slow, JSON), (b"{}", JSON), (malformed, headers)]
        answers = [client.post(INFER, content=content, headers=how) for content, how in asked for _ in range(40)]
        assert {answer.status_code for answer in answers[-40:]} == {503}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert all("No space left" in answer.json()["error"] for answer in refused)
        assert len(refused) > 100
        for each in (request, wrong):
            with pytest.raises(grpc.RpcError) as told:
                infer(each)
            assert told.value.code() is grpc.StatusCode.UNAVAILABLE
        disk.make_room()
        assert client.post(INFER, content=fast, headers=JSON).status_code == 200
        assert infer(request).id == "g-1"
