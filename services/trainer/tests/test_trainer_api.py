"""The trainer's REST door, as the CLI and the console use it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from trainer_facts import CODE, QUARTERLY, definition
from trainer_fakes import FakeWorker, Machine

from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import eventually
from murmur_trainer.app import build
from murmur_trainer.consumers import SUBSCRIPTIONS
from murmur_trainer.settings import Settings
from murmur_training.spec import Failed

TOPICS = tuple(subscription.topic for subscription in SUBSCRIPTIONS)


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
async def client(
    broker: MemoryBroker, worker: FakeWorker, machine: Machine, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    service, app = build(
        Settings(home=tmp_path, brokers="127.0.0.1:1"),
        store=MemoryStore(),
        sink=MemorySink(broker),
        source=MemorySource(broker, "trainer", TOPICS, wait=0.01),
        worker=worker,
        environment=machine.environment_json,
    )
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://trainer/v1") as client:
        yield client


async def apply(client: httpx.AsyncClient, text: str, files: dict[str, str] = CODE) -> httpx.Response:
    return await client.put("/workflows/credit", json={"definition": text, "files": files})


async def test_mistakes_carry_all_that_a_command_line_needs_to_show_them(client: httpx.AsyncClient) -> None:
    response = await apply(client, definition(trainin="{seed: 1}"), {**CODE, "train.py": "def train(:\n"})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["detail"] == "the files of workflow 'credit' have 2 mistakes: nothing was changed"
    assert problem["mistakes"] == [
        {
            "file": "workflow.yaml",
            "line": 3,
            "column": 1,
            "text": "trainin: {seed: 1}",
            "message": "'trainin' is not a setting of a workflow",
            "expected": "did you mean 'training'?",
        },
        {
            "file": "train.py",
            "line": 1,
            "column": 11,
            "text": "def train(:",
            "message": "this is not Python: invalid syntax",
            "expected": "",
        },
    ]
    assert (await client.get("/workflows/credit")).status_code == 404


async def test_a_workflow_is_applied_shown_and_listed(client: httpx.AsyncClient) -> None:
    first = (await apply(client, definition(schedule=QUARTERLY))).json()
    again = (await apply(client, definition(schedule=QUARTERLY))).json()
    assert (first["revision"], first["unchanged"]) == (1, False)
    assert (again["revision"], again["unchanged"]) == (1, True)
    shown = (await client.get("/workflows/credit")).json()
    assert shown["definition"]["data"]["features"] == ["limit", "age"]
    assert (shown["schedule"], shown["active"], shown["waiting"]) == (QUARTERLY, None, [])
    assert (await client.get("/workflows")).json() == {"items": [shown], "next": None}


async def test_the_schema_has_its_own_address(client: httpx.AsyncClient) -> None:
    assert (await client.get("/workflows/schema")).json()["title"] == "workflow.yaml"


async def test_a_training_is_asked_for_once_a_key_and_fails_for_all_to_see(
    client: httpx.AsyncClient, worker: FakeWorker
) -> None:
    worker.results.append(Failed(cause="code_raised", message="data.py, line 2: no"))
    await apply(client, definition())
    for _ in range(2):
        response = await client.post(
            "/workflows/credit/trainings",
            json={"as_of": "2005-10-01", "reason": "curious"},
            headers={"Idempotency-Key": "mine"},
        )
        assert response.status_code == 202
    accepted = response.json()
    assert (accepted["kind"], accepted["key"], accepted["as_of"]) == ("manual", "mine", "2005-10-01T00:00:00Z")

    async def failed() -> list[dict[str, object]]:
        return list((await client.get("/trainings?workflow=credit&state=failed")).json()["items"])

    (training,) = await eventually(failed)
    assert training == (await client.get(f"/trainings/{accepted['run_id']}")).json()
    assert (training["cause"], training["correlation_id"]) == ("code_raised", accepted["correlation_id"])
    assert training["message"] == "data.py, line 2: no"
    assert len(worker.specs) == 1
    assert (await client.get("/trainings?workflow=other")).json()["items"] == []


async def test_a_date_that_is_no_tick_is_answered_with_the_nearest(client: httpx.AsyncClient) -> None:
    await apply(client, definition(schedule=QUARTERLY))
    response = await client.post("/workflows/credit/trainings", json={"kind": "schedule", "as_of": "2005-10-02"})
    assert response.status_code == 422
    assert "2005-10-01T00:00:00Z and 2006-01-01T00:00:00Z" in response.json()["detail"]


async def test_a_training_of_an_unknown_workflow_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.post("/workflows/nobody/trainings", json={})).status_code == 404


async def test_a_completed_run_is_repeated_by_rest_and_another_environment_refused(
    client: httpx.AsyncClient, machine: Machine
) -> None:
    await apply(client, definition())
    run_id = (await client.post("/workflows/credit/trainings", json={})).json()["run_id"]

    async def completed() -> list[dict[str, object]]:
        return list((await client.get("/trainings?state=completed")).json()["items"])

    async def both() -> list[dict[str, object]] | None:
        return found if len(found := await completed()) == 2 else None

    await eventually(completed)
    response = await client.post(f"/runs/{run_id}/reproductions", json={"seed": 8, "by": "ann"})
    assert response.status_code == 202
    accepted = response.json()
    assert (accepted["of"], accepted["seed"], accepted["environment"], accepted["differences"]) == (
        run_id,
        8,
        "same",
        [],
    )
    repeated = next(run for run in await eventually(both) if run["run_id"] == accepted["run_id"])
    assert (repeated["kind"], repeated["reproduces"]) == ("reproduction", run_id)
    assert (await client.post("/runs/r-none/reproductions", json={})).status_code == 404
    assert (await client.post(f"/runs/{run_id}/reproductions", json={"environment": "any"})).status_code == 422

    machine.packages = {}
    refused = await client.post(f"/runs/{run_id}/reproductions", json={})
    assert refused.status_code == 409
    assert refused.json()["differences"][0] == {
        "what": "environment",
        "name": "numpy",
        "original": "2.4.6",
        "reproduced": None,
    }
    present = await client.post(f"/runs/{run_id}/reproductions", json={"environment": "present"})
    assert [each["name"] for each in present.json()["differences"]] == ["numpy", "xgboost-cpu"]


SWEPT = "{parameters: {depth: 3, data: seattle}, allowed: {depth: {least: 1, most: 9}}}"


async def test_a_sweep_is_asked_for_watched_and_over(client: httpx.AsyncClient) -> None:
    await apply(client, definition(training=SWEPT))
    wish = {"grid": {"depth": [1, 2, 3]}, "metric": "auc", "goal": "maximize", "by": "ada", "max_parallel": 2}
    first = await client.post("/workflows/credit/sweeps", json=wish, headers={"Idempotency-Key": "k1"})
    again = await client.post("/workflows/credit/sweeps", json=wish, headers={"Idempotency-Key": "k1"})
    assert first.status_code == again.status_code == 202
    sweep = first.json()
    assert again.json()["sweep_id"] == sweep["sweep_id"]
    assert (sweep["members"], sweep["by"], sweep["state"]) == (3, "ada", "running")

    async def over() -> bool:
        found = (await client.get(f"/sweeps/{sweep['sweep_id']}")).json()
        return bool(found["state"] == "completed" and found["completed"] == 3)

    await eventually(over)
    members = (await client.get("/trainings", params={"sweep": sweep["sweep_id"]})).json()["items"]
    assert {(member["state"], member["by"], member["correlation_id"]) for member in members} == {
        ("completed", "ada", sweep["correlation_id"])
    }
    (best,) = (await client.get("/sweeps", params={"workflow": "credit"})).json()["items"][0]["best"]
    assert (best["value"], best["data"]) == (0.8, {})
    cancelled = await client.post(f"/sweeps/{sweep['sweep_id']}/cancel", json={"reason": "late"})
    assert cancelled.status_code == 409


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"grid": {"depth": [1, 99]}}, "depth=99 is not allowed: from 1 to 9 it may be"),
        ({"grid": {"dept": [1]}}, "did you mean 'depth'?"),
        ({"grid": {"depth": [1]}, "metric": None}, "by which metric"),
        ({}, "a sweep of nothing"),
    ],
)
async def test_a_sweep_that_cannot_be_trained_is_refused_whole(
    client: httpx.AsyncClient, wish: dict[str, object], told: str
) -> None:
    await apply(client, definition(training=SWEPT))
    body = {"metric": "auc", "goal": "maximize", **wish}
    response = await client.post("/workflows/credit/sweeps", json=body)
    assert response.status_code == 422
    assert told in response.json()["detail"]
    assert (await client.get("/sweeps")).json()["items"] == []
    assert (await client.get("/trainings")).json()["items"] == []
