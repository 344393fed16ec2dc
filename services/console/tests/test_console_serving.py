"""What the console asks live of a deployment, and how each way of not being answered is told."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from console_deployment import prediction, what_the_deployer_says
from console_flock import StubFlock, running_flock

from murmur_console.clients import FrontDoor, Refusal, Unreachable
from murmur_console.domain.asking import Question
from murmur_console.predictions import ask, look_up
from murmur_console.serving_now import Look

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
INFER = "/v2/models/fraud/infer"
ASKED = Question("q-1", {"id": "q-1", "inputs": []})


@pytest.fixture
def flock() -> Iterator[StubFlock]:
    with running_flock(StubFlock(told=what_the_deployer_says(NOW))) as flock:
        yield flock


async def test_what_the_deployer_said_last_stays_when_it_goes_away(flock: StubFlock, door: FrontDoor) -> None:
    look = Look()
    await look.again(door, "fraud")
    assert look.trouble == ""
    before = (look.deployment, look.traffic, look.batches, look.seen)
    flock.away = {"deployer"}
    await look.again(door, "fraud")
    assert "deployer does not answer" in look.trouble
    assert (look.deployment, look.traffic, look.batches, look.seen) == before
    flock.away = set()
    await look.again(door, "fraud")
    assert look.trouble == ""


async def test_paces_are_found_by_replica_and_by_version(door: FrontDoor) -> None:
    look = Look()
    assert look.pace_of("fraud-v2-3") is None
    await look.again(door, "fraud")
    replica, version = look.pace_of("fraud-v2-3"), look.pace_of_version(4)
    assert replica is not None
    assert replica.rate == 231.4
    assert version is not None
    assert (version.role, version.errors) == ("candidate", 0.4)
    assert look.pace_of_version(1) is None
    assert look.batches["b-running"].rows_done == 40_000


async def test_an_answer_that_does_not_fit_the_contract_is_said(flock: StubFlock, door: FrontDoor) -> None:
    flock.told["/deployer/v1/deployments/fraud"] = (200, {"name": "fraud"})
    look = Look()
    await look.again(door, "fraud")
    assert "does not fit the contract" in look.trouble


async def test_the_same_roll_back_twice_is_one_and_a_later_one_is_another(flock: StubFlock, door: FrontDoor) -> None:
    for since in ("version 2 noon", "version 2 noon", "version 2 evening"):
        await door.roll_back("fraud", 2, since=since, by="ada", reason="false alarms")
    path, body, _ = flock.posts[0]
    assert path == "/deployer/v1/deployments/fraud/rollback"
    assert body == {"version": 2, "by": "ada", "reason": "false alarms"}
    keys = [headers["Idempotency-Key"] for _, _, headers in flock.posts]
    assert keys[0] == keys[1] != keys[2]


async def test_a_prediction_is_asked_as_clients_do(flock: StubFlock, door: FrontDoor) -> None:
    outputs = [{"name": "probability", "shape": [1], "datatype": "FP64", "data": [0.8125]}]
    flock.told[INFER] = (200, {"model_name": "fraud", "model_version": "4", "id": "q-1", "outputs": outputs})
    answer = await ask(door, "fraud", ASKED)
    assert (answer.version, answer.outputs, answer.request_id) == ("4", {"probability": [0.8125]}, "q-1")
    assert answer.milliseconds > 0
    assert [(path, body) for path, body, _ in flock.posts] == [(INFER, dict(ASKED.body))]


async def test_a_model_servers_words_are_quoted(flock: StubFlock, door: FrontDoor) -> None:
    flock.told[INFER] = (400, {"error": "input 'hour' is 3.5 in row 0: it takes whole numbers (integer)"})
    with pytest.raises(Refusal, match=r"input 'hour' is 3\.5 in row 0"):
        await ask(door, "fraud", ASKED)


async def test_an_answer_of_the_front_door_alone_says_that_nothing_serves(flock: StubFlock, door: FrontDoor) -> None:
    flock.told[INFER] = (404, {})
    with pytest.raises(Refusal, match="nothing serves as 'fraud'"):
        await ask(door, "fraud", ASKED)
    with pytest.raises(Unreachable):
        await ask(FrontDoor("http://127.0.0.1:9"), "fraud", ASKED)


async def test_a_prediction_is_looked_up_by_an_id_of_any_shape(flock: StubFlock, door: FrontDoor) -> None:
    flock.told["/monitor/v1/deployments/fraud/predictions/tenant/7#1"] = (200, prediction("tenant/7#1"))
    found = await look_up(door, "fraud", "tenant/7#1")
    assert found.predictions[0].output == 0.8125


async def test_an_unknown_id_is_told_in_the_monitors_words(flock: StubFlock, door: FrontDoor) -> None:
    told = {"title": "NoSuchPrediction", "status": 404, "detail": "no answered prediction 'x': kept for 7 days"}
    flock.told["/monitor/v1/deployments/fraud/predictions/x"] = (404, told)
    with pytest.raises(Refusal, match="kept for 7 days"):
        await look_up(door, "fraud", "x")
