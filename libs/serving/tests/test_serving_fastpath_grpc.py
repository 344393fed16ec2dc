"""The same requests over gRPC, the shorter way and MLServer's own; and what the binary extension refuses over HTTP."""

from collections.abc import Iterator
from random import Random
from typing import Any

import grpc
import numpy as np
import pytest
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from replicas import Replica, serving
from request_fuzz import valid

pytestmark = pytest.mark.flock

SEED, CASES = 20261129, 300
TRACED = [("traceparent", f"00-{'a' * 32}-{'b' * 16}-01")]


@pytest.fixture(scope="module")
def replica(model, tmp_path_factory) -> Iterator[Replica]:
    with serving(model, tmp_path_factory.mktemp("replica")) as running:
        yield running


@pytest.mark.parametrize(
    ("length", "body"), [(b"nonsense", b"{}"), (b"9999", b"{}"), (b"2", b"{}tail"), (b"3", b"{}!tail"), (b"0", b"")]
)
def test_a_body_that_is_not_what_its_head_says_is_refused_and_logged(replica, length: bytes, body: bytes) -> None:
    known = len(replica.logged())
    with replica.client as client:
        headers = {"Inference-Header-Content-Length": length.decode()}
        answer = client.post("/v2/models/credit/infer", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert [row.status for row in replica.logged()[known:]] == [400]


def requests_over_grpc(count: int) -> Iterator[pb.ModelInferRequest]:
    """Half of them spoiled."""
    draw = Random(SEED)
    for _ in range(count):
        request = pb.ModelInferRequest(model_name="credit", id=draw.choice(("", "g-1", "é\n")))
        raw = draw.random() < 0.5
        for tensor in valid(draw)["inputs"]:
            _add(draw, request, tensor, raw=raw)
        match draw.randrange(8) if request.inputs else 0:
            case 0:
                request.inputs[0].shape[0] += draw.choice((-2, 1))
            case 1:
                request.inputs[-1].datatype = draw.choice(("FP64", "FP32", "INT64", "INT32", "BYTES", ""))
            case 2 if raw:
                request.raw_input_contents[0] += bytes(draw.choice((1, 8)))
            case 3:
                request.inputs[0].contents.int64_contents.append(1)
        yield request


def _add(draw: Random, request: pb.ModelInferRequest, tensor: dict[str, Any], *, raw: bool) -> None:
    flat = np.ravel(np.array(tensor["data"], dtype=np.float64))
    kind = tensor["datatype"]
    if kind == "INT64" and draw.random() < 0.5:
        kind = "INT32"
    added = request.inputs.add(name=tensor["name"], datatype=kind, shape=tensor["shape"])
    if raw:
        types = {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8", "INT32": "<i4"}
        request.raw_input_contents.append(flat.astype(types[kind]).tobytes())
        return
    fields = {"FP64": "fp64_contents", "FP32": "fp32_contents", "INT64": "int64_contents", "INT32": "int_contents"}
    getattr(added.contents, fields[kind]).extend(flat.astype(int).tolist() if kind[0] == "I" else flat.tolist())


def test_both_ways_over_grpc_tell_the_same(replica) -> None:
    """A parameter that nobody knows makes a request MLServer's."""
    before, outcomes = replica.metrics(), {True: 0, False: 0}
    with grpc.insecure_channel(f"127.0.0.1:{replica.ports.grpc}") as channel:
        infer = GRPCInferenceServiceStub(channel).ModelInfer
        for request in requests_over_grpc(CASES):
            told, rows = [], []
            for slow in (False, True):
                if slow:
                    request.parameters["unknown"].bool_param = True
                known = len(replica.logged())
                try:
                    answer, call = infer.with_call(request, metadata=TRACED)
                    told.append((answer.SerializeToString(deterministic=True), sorted(call.trailing_metadata())))
                except grpc.RpcError as error:
                    told.append((error.code(), error.details()))
                rows.append(replica.logged_since(known))
            assert told[0] == told[1], request
            assert rows[0] == rows[1], request
            assert told[0][0] != grpc.StatusCode.INTERNAL, told
            outcomes[isinstance(told[0][0], bytes)] += 1
    after = replica.metrics()
    print(f"seed {SEED}: {CASES} requests each way, {outcomes[True]} answered, {outcomes[False]} refused")  # noqa: T201
    assert min(outcomes.values()) > 50
    gained = after["murmur_serving_fast_requests_total"] - before["murmur_serving_fast_requests_total"]
    assert gained > 0.7 * outcomes[True]
