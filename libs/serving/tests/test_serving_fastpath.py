"""The same requests, the shorter way and MLServer's own, to a real server: same answers, headers, counts and rows."""

import socket
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from replicas import Replica, serving, start_replica
from request_fuzz import requests, valid

from murmur_access import Role, TokenFile
from murmur_serving.config import BATCH_HEADER, PROBE_HEADER

pytestmark = pytest.mark.flock

SEED, CASES = 20261129, 300
INFER = "/v2/models/credit/infer"
FAST = {"Content-Type": "application/json"}
SLOW = {"Content-Type": "application/json; charset=utf-8"}
"""MLServer takes this for JSON too; the shorter way takes the plain form only."""
TRACED = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


@pytest.fixture(scope="module")
def replica(model, tmp_path_factory) -> Iterator[Replica]:
    with serving(model, tmp_path_factory.mktemp("replica"), convert=True) as running:
        yield running


def told(response: httpx.Response, given: Any) -> tuple[Any, ...]:
    """What a client sees, without date and invented ids."""
    body = orjson.loads(response.content)
    headers = {name: value for name, value in response.headers.items() if name not in ("date", "content-length")}
    if response.status_code == 200 and given is None:
        UUID(body.pop("id"))
        assert UUID(headers.pop("ce-id")) == UUID(headers.pop("ce-requestid"))
    return response.status_code, headers, body


def id_of(body: bytes) -> Any:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document.get("id") if isinstance(document, dict) else None


def test_both_ways_tell_the_same(replica) -> None:
    before = replica.metrics()
    seen = [0, 0]
    with replica.client as client:
        for number, body in enumerate(requests(SEED, CASES)):
            path = INFER if number % 3 else INFER.replace("/infer", "/versions/3/infer")
            answers, rows = [], []
            for headers in (FAST, SLOW):
                known = len(replica.logged())
                answers.append(told(client.post(path, content=body, headers=headers | TRACED), id_of(body)))
                rows.append(replica.logged_since(known, named=id_of(body) is not None))
            assert answers[0] == answers[1], body
            assert rows[0] == rows[1], body
            assert rows[0], body
            assert all(row.trace == "0af7651916cd43dd8448eb211c80319c" for row in rows[0])
            seen[answers[0][0] == 200] += 1
    after = replica.metrics()
    gained = {name: after[name] - before.get(name, 0.0) for name in after}
    print(f"seed {SEED}: {CASES} requests each way, {seen[1]} answered, {seen[0]} refused")  # noqa: T201
    assert gained["murmur_serving_fast_requests_total"] > 0.8 * seen[1]
    assert gained["murmur_serving_requests_total"] == 2 * CASES
    assert gained["murmur_serving_request_seconds_count"] == 2 * CASES
    assert gained["model_infer_request_success_total"] == 2 * seen[1]
    assert gained["murmur_serving_errors_total"] == 2 * seen[0]


def test_a_probe_is_answered_and_leaves_no_trace_but_mlservers_count(replica, model) -> None:
    before, known = replica.metrics(), len(replica.logged())
    body = orjson.dumps(valid(Random(1)) | {"id": "probe"})
    with replica.client as client:
        for headers in (FAST, SLOW):
            assert client.post(INFER, content=body, headers=headers | {PROBE_HEADER: model.mark}).status_code == 200
    after = replica.metrics()
    assert len(replica.logged()) == known
    assert after["murmur_serving_requests_total"] == before["murmur_serving_requests_total"]
    assert after["model_infer_request_success_total"] == before["model_infer_request_success_total"] + 2
    assert after["murmur_serving_fast_requests_total"] == before["murmur_serving_fast_requests_total"] + 1


def test_a_request_of_a_batch_is_logged_as_such_and_counts_apart(replica, model) -> None:
    before, known = replica.metrics(), len(replica.logged())
    good, bad = (orjson.dumps(valid(Random(1)) | more | {"id": "b/0/0"}) for more in ({}, {"inputs": []}))
    with replica.client as client:
        for headers in (FAST, SLOW):
            for body, status in ((good, 200), (bad, 400)):
                marked = headers | {BATCH_HEADER: model.mark}
                assert client.post(INFER, content=body, headers=marked).status_code == status
        client.post(INFER, content=good, headers=FAST | {BATCH_HEADER: "anybody's"})
    after, rows = replica.metrics(), replica.logged()[known:]
    predicted = sum(row.status == 200 for row in rows) // 3
    assert [row.batch for row in rows if row.status == 400] == [True] * 2
    assert [row.batch for row in rows if row.status == 200] == [True] * 2 * predicted + [False] * predicted
    gained = {name: after[name] - before.get(name, 0.0) for name in after}
    assert gained["murmur_serving_batch_rows_total"] == 2 * predicted
    assert gained["murmur_serving_requests_total"] == gained["murmur_serving_request_seconds_count"] == 1


def test_pipelined_requests_are_answered_in_their_order(replica) -> None:
    """Some by the shorter way, some by the other, some of them in pieces."""
    bodies = [orjson.dumps(valid(Random(number)) | {"id": f"r-{number}"}) for number in range(12)]
    asked = b"".join(
        b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
        % (INFER.encode(), (SLOW if number % 3 == 1 else FAST)["Content-Type"].encode(), len(body), body)
        for number, body in enumerate(bodies)
    )
    with socket.create_connection(("127.0.0.1", replica.ports.http), timeout=10) as connection:
        for begin in range(0, len(asked), 700):
            connection.sendall(asked[begin : begin + 700])
        received = b""
        while received.count(b'"outputs"') < len(bodies):
            received += connection.recv(65536)
    places = [received.index(f'"id":"r-{number}"'.encode()) for number in range(len(bodies))]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "headers", [{"Connection": "close"}, {"Content-Encoding": "identity"}, {"Expect": "100-continue"}]
)
def test_unusual_requests_are_mlservers(replica, headers: dict[str, str]) -> None:
    before = replica.metrics()["murmur_serving_fast_requests_total"]
    with replica.client as client:
        answer = client.post(INFER, content=orjson.dumps(valid(Random(1))), headers=FAST | headers)
    assert answer.status_code == 200
    assert replica.metrics()["murmur_serving_fast_requests_total"] == before


def test_an_unloaded_model_is_answered_by_nobody_until_it_is_loaded_again(replica) -> None:
    body = orjson.dumps(valid(Random(1)))
    with replica.client as client:
        assert client.post("/v2/repository/models/credit/unload").status_code == 200
        assert client.post(INFER, content=body, headers=FAST).status_code == 404
        assert client.post("/v2/repository/models/credit/load").status_code == 200
        before = replica.metrics()["murmur_serving_fast_requests_total"]
        assert client.post(INFER, content=body, headers=FAST).status_code == 200
    assert replica.metrics()["murmur_serving_fast_requests_total"] == before + 1


def test_the_engine_that_answers_is_told(replica) -> None:
    with replica.client as client:
        assert client.get("/v2/models/credit").json()["parameters"] == {"engine": "onnxruntime"}
        assert (
            'murmur_serving_engine{deployment="credit",engine="onnxruntime",version="3"} 1.0'
            in client.get("/metrics").text
        )


def test_tokens_are_asked_before(model, tmp_path_factory) -> None:
    document = tmp_path_factory.mktemp("tokens") / "tokens.json"
    token = TokenFile(document).issue("vera", [Role.VIEWER]).token
    asking = start_replica(model, tmp_path_factory.mktemp("replica"), tokens=document)
    try:
        asking.until_ready()
        with asking.client as client:
            statuses = [
                client.post(INFER, content=orjson.dumps(valid(Random(1))), headers=FAST | shown).status_code
                for shown in ({}, {"Authorization": "Bearer no"}, {"Authorization": f"Bearer {token}"})
            ]
        assert statuses == [401, 401, 200]
        assert asking.metrics()["murmur_serving_fast_requests_total"] == 1
    finally:
        asking.process.kill()
        asking.process.wait()
