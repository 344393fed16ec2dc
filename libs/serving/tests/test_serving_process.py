"""A real model server process, asked over HTTP and gRPC, stopped politely and otherwise."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import orjson
import pytest
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc import model_repository_pb2 as repository
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from replicas import Replica, start_replica

from murmur_access import BrokerAccess, Role, TokenFile
from murmur_serving.config import PROBE_HEADER

pytestmark = pytest.mark.flock

REPOSITORY = repository.DESCRIPTOR.services_by_name.values()
JSON = {"Content-Type": "application/json"}


Start = Callable[..., Replica]


@pytest.fixture(scope="module")
def start(model, tmp_path_factory) -> Iterator[Start]:
    started: list[Replica] = []

    def _start(**changes: Any) -> Replica:
        started.append(start_replica(model, tmp_path_factory.mktemp("replica"), **changes))
        return started[-1]

    yield _start
    for replica in started:
        replica.process.kill()
        replica.process.wait()


@pytest.fixture(scope="module")
def replica(start: Start) -> Replica:
    running = start()
    running.until_ready()
    return running


def body(row: np.ndarray, **more: Any) -> dict[str, Any]:
    names = ("limit", "age", "education")
    inputs = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [float(value)]}
        for name, value in zip(names, row, strict=True)
    ]
    return {"inputs": inputs, **more}


def test_http_answers_as_the_booster_and_echoes_the_id(replica, model) -> None:
    with replica.client as client:
        answer = client.post("/v2/models/credit/infer", json=body(model.rows[0], id="order-17")).json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("order-17", "credit", "3")
    [output] = answer["outputs"]
    assert (output["name"], output["shape"]) == ("probability", [1])
    assert output["data"] == pytest.approx(model.expected(model.rows[:1]), abs=1e-7)
    assert "order-17" in [row.request_id for row in replica.logged()]


def test_grpc_answers_as_the_booster(replica, model) -> None:
    request = pb.ModelInferRequest(model_name="credit", id="g-1")
    tensor = request.inputs.add(name="x", datatype="FP64", shape=[2, 3])
    tensor.contents.fp64_contents.extend(model.rows[:2].ravel().tolist())
    with grpc.insecure_channel(f"127.0.0.1:{replica.ports.grpc}") as channel:
        answer = GRPCInferenceServiceStub(channel).ModelInfer(request)
    assert (answer.id, answer.model_version) == ("g-1", "3")
    assert list(answer.outputs[0].contents.fp32_contents) == pytest.approx(model.expected(model.rows[:2]), abs=1e-7)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{not json", "the request is no V2 inference request"),
        (b"[]", "the request is no V2 inference request"),
        (b"{}", "the request is no V2 inference request: inputs: Field required"),
        (b'{"inputs": [{"name": "limit"}]}', "inputs.0.shape: Field required"),
        (b'{"inputs": []}', "input 'limit', 'age', 'education' is missing"),
    ],
)
def test_a_wrong_request_is_answered_in_the_protocols_form_and_logged(replica, content, complaint) -> None:
    before = len(replica.logged())
    with replica.client as client:
        answer = client.post("/v2/models/credit/infer", content=content, headers=JSON)
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]
    assert [row.status for row in replica.logged()[before:]] == [400]


def test_a_request_of_another_content_type_is_told_which(replica) -> None:
    with replica.client as client:
        answer = client.post("/v2/models/credit/infer", content=b"{}", headers={"Content-Type": "text/plain"})
    assert "has content type 'text/plain': send JSON" in answer.json()["error"]


def test_a_request_without_a_content_type_is_taken_for_json(replica, model) -> None:
    with replica.client as client:
        answer = client.post("/v2/models/credit/infer", content=orjson.dumps(body(model.rows[0])))
        wrong = client.post("/v2/models/credit/infer", content=b'{"inputs": []}')
    assert (answer.status_code, wrong.status_code) == (200, 400)
    assert "is missing" in wrong.json()["error"]


@pytest.mark.parametrize("path", ["/v2/models/fraud/infer", "/v2/models/credit/versions/9/infer"])
def test_another_model_or_version_is_not_found(replica, model, path) -> None:
    with replica.client as client:
        answer = client.post(path, json=body(model.rows[0]))
    assert answer.status_code == 404
    assert "not found" in answer.json()["error"]


def test_a_probe_of_the_deployer_is_answered_but_is_no_prediction(replica, model) -> None:
    before = len(replica.logged())
    with replica.client as client:
        probe = {PROBE_HEADER: model.mark}
        answer = client.post("/v2/models/credit/infer", json=body(model.rows[0]), headers=probe).json()
    assert answer["outputs"][0]["data"] == pytest.approx(model.expected(model.rows[:1]), abs=1e-7)
    assert len(replica.logged()) == before


def test_a_client_cannot_hide_its_predictions(replica, model) -> None:
    before = len(replica.logged())
    hidden = body(model.rows[0], parameters={"headers": {PROBE_HEADER: model.mark}})
    with replica.client as client:
        client.post("/v2/models/credit/infer", json=hidden).raise_for_status()
        guessed = {PROBE_HEADER: "1"}
        client.post("/v2/models/credit/infer", json=body(model.rows[0]), headers=guessed).raise_for_status()
    assert len(replica.logged()) == before + 2


def test_the_metadata_is_the_input_schema(replica) -> None:
    with replica.client as client:
        metadata = client.get("/v2/models/credit").json()
    assert [(column["name"], column["parameters"]["dtype"]) for column in metadata["inputs"]] == [
        ("limit", "float"),
        ("age", "integer"),
        ("education", "category"),
    ]
    assert metadata["versions"] == ["3"]


def test_metrics_count_requests_predictions_and_errors(replica, model) -> None:
    with replica.client as client:
        client.post("/v2/models/credit/infer", json=body(model.rows[0]))
        client.post("/v2/models/credit/infer", json={"inputs": []})
        text = client.get("/metrics").text
    for name in ("requests_total", "predictions_total", "errors_total", "request_seconds_bucket", "log_backlog_rows"):
        assert f"murmur_serving_{name}{{" in text, name


def test_a_changed_file_ends_the_process_and_names_the_digests(start, model) -> None:
    promised = "0" * 64
    replica = start(sha256=promised)
    assert replica.process.wait(timeout=30) == 1
    assert f"its sha256 is '{model.sha256}'" in replica.output.read_text()
    assert f"registered with '{promised}'" in replica.output.read_text()


def test_kill_9_keeps_every_answered_row_and_a_signal_ends_with_0(start, model) -> None:
    replica = start(brokers=BrokerAccess(brokers="127.0.0.1:1"))  # nobody listens: it serves without
    replica.until_ready()
    with replica.client as client:
        for number in range(50):
            client.post("/v2/models/credit/infer", json=body(model.rows[number], id=f"r-{number}")).raise_for_status()
    os.kill(replica.process.pid, signal.SIGKILL)
    replica.process.wait()
    assert [row.request_id for row in replica.logged()] == [f"r-{number}" for number in range(50)]


def test_a_polite_end_is_a_clean_one(start) -> None:
    replica = start()
    replica.until_ready()
    replica.process.terminate()
    assert replica.process.wait(timeout=15) == 0
    assert "Traceback" not in replica.output.read_text()


@pytest.fixture(scope="module")
def asking(start: Start, tmp_path_factory: pytest.TempPathFactory) -> tuple[Replica, str]:
    """A replica of a flock that asks for tokens, and the token of somebody who may look."""
    document = tmp_path_factory.mktemp("tokens") / "tokens.json"
    token = TokenFile(document).issue("vera", [Role.VIEWER]).token
    running = start(tokens=document)
    running.until_ready()
    return running, token


def test_a_token_opens_both_doors(asking, model) -> None:
    replica, token = asking
    shown = ("authorization", f"Bearer {token}")
    with replica.client as client, grpc.insecure_channel(f"127.0.0.1:{replica.ports.grpc}") as channel:
        infer = "/v2/models/credit/infer"
        statuses = [
            client.post(infer, json=body(model.rows[0]), headers=dict([header])).status_code
            for header in (shown, (PROBE_HEADER, model.mark), (PROBE_HEADER, "1"))
        ]
        tensor = pb.ModelInferRequest.InferInputTensor(name="x", datatype="FP64", shape=[1, 3])
        tensor.contents.fp64_contents.extend(model.rows[0].tolist())
        request = pb.ModelInferRequest(model_name="credit", inputs=[tensor])
        answer = GRPCInferenceServiceStub(channel).ModelInfer(request, metadata=[shown])
    assert statuses == [200, 200, 401]
    assert answer.outputs[0].shape == [1]


@pytest.mark.parametrize("service", [pb.DESCRIPTOR.services_by_name["GRPCInferenceService"], *REPOSITORY])
def test_every_grpc_method_that_uses_or_changes_a_model_needs_a_token(asking, service) -> None:
    replica, _ = asking
    codes = {}
    with grpc.insecure_channel(f"127.0.0.1:{replica.ports.grpc}") as channel:
        for method in service.methods:
            call = channel.stream_stream(f"/{service.full_name}/{method.name}", response_deserializer=bytes)
            try:
                list(call(iter([b""]), timeout=10))
                codes[method.name] = grpc.StatusCode.OK
            except grpc.RpcError as error:
                codes[method.name] = error.code()
    told = {name for name, code in codes.items() if code != grpc.StatusCode.UNAUTHENTICATED}
    assert told <= {"ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata"}, codes


def test_loading_and_unloading_is_not_for_everybody_with_a_token(asking) -> None:
    replica, token = asking
    with replica.client as client:
        path = "/v2/repository/models/credit/unload"
        refused = client.post(path, headers={"Authorization": f"Bearer {token}"})
        assert (client.post(path).status_code, refused.status_code) == (401, 403)
        assert "needs the role 'operator'" in refused.json()["error"]
        assert client.get("/v2/models/credit/ready").status_code == 200


def test_a_model_that_was_loaded_again_is_still_said_to_answer(start, model) -> None:
    replica = start()
    replica.until_ready()
    load = "/v2/repository/models/credit/load"
    with replica.client as client:
        client.post(load).raise_for_status()
        assert replica.metrics()["murmur_serving_engine"] == 1
        client.post("/v2/repository/models/credit/unload").raise_for_status()
        asked = [
            client.post("/v2/models/credit/infer", content=text, headers=JSON) for text in (b"{", b'{"inputs": []}')
        ]
        assert [answer.status_code for answer in asked] == [400, 404]
    replica.process.send_signal(signal.SIGTERM)
    assert replica.process.wait(timeout=20) == 0
