"""Runs and logged models of another server are kept under their ids, and are marked until they are whole."""

from itertools import permutations
from pathlib import Path
from typing import Any

from client_calls import Running
from test_client_rebuild import NOW, on_the_broker, rebuilt
from test_rebuild import opened

from murmur_kernel.store import Store
from murmur_kernel.unit_of_work import Origin
from murmur_tracking import client_runs
from murmur_tracking.client_runs import RunOf
from murmur_tracking.repository import TrackingUnitOfWork

RUN = "0123456789abcdef0123456789abcdef"
MODEL = f"m-{RUN}"
INCOMPLETE = "murmur.import.incomplete"
COLUMNS = {
    "names": ["loss"],
    "name": [0, 0, 0],
    "step": [0, 1, -2],
    "time": [10, 11, 12],
    "value": [0.5, "NaN", "-Infinity"],
}
BEGIN = {"run_id": RUN, "experiment": "0", "name": "brisk", "user": "ada", "started": 1000, "missing": "its files"}
WHOLE = {**BEGIN, "missing": None, "tags": {"murmur.imported.digest": "d"}, "status": "KILLED", "ended": 2000}


async def told(
    running: Running, status: int = 200, /, *, kind: str = "runs", key: str = "", **body: Any
) -> dict[str, Any]:
    await running.client.get("/experiments/get", experiment_id="0")  # which opens the workspace, as any client's call
    headers = {"Idempotency-Key": key} if key else {}
    answer = await running.http.post(f"/v1/imports/{kind}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    said: dict[str, Any] = answer.json()
    return said


def tags(run: dict[str, Any]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in run["data"].get("tags", [])}


async def test_a_run_keeps_its_id_and_is_marked_until_it_is_whole(running: Running) -> None:
    answer = await told(running, **BEGIN, parameters={"eta": "0.1"})
    assert answer["id"] == RUN
    half = await running.client.shown(RUN)
    assert (half["info"]["status"], tags(half)[INCOMPLETE]) == ("RUNNING", "its files")
    assert half["info"]["artifact_uri"] == answer["artifact_uri"]
    await told(running, **BEGIN, metrics=COLUMNS)
    await told(running, **WHOLE)
    run = await running.client.shown(RUN)
    info = {name: run["info"][name] for name in ("run_name", "user_id", "status", "start_time", "end_time")}
    assert list(info.values()) == ["brisk", "ada", "KILLED", 1000, 2000]
    assert tags(run) == {"mlflow.runName": "brisk", "murmur.imported.digest": "d"}
    assert run["data"]["params"] == [{"key": "eta", "value": "0.1"}]
    _, history = await running.client.get("/metrics/get-history", run_id=RUN, metric_key="loss")
    assert [(one["step"], one["value"]) for one in history["metrics"]] == [(0, 0.5), (1, "NaN"), (-2, "-Infinity")]


async def test_a_call_that_is_repeated_with_its_key_says_nothing_twice(running: Running) -> None:
    for _ in range(2):
        await told(running, **BEGIN, metrics=COLUMNS, key="k")
    _, points = await running.client.ours("GET", f"/runs/{RUN}/metrics")
    assert len(points["items"]) == 3
    await told(running, **BEGIN, metrics=COLUMNS, key="another")
    _, points = await running.client.ours("GET", f"/runs/{RUN}/metrics")
    assert len(points["items"]) == 6, "without the key it is another call"


async def test_a_link_to_a_model_stands_once(running: Running) -> None:
    for _ in range(2):
        await told(running, **BEGIN, models_written=[{"model_id": MODEL, "step": 3}])
    run = await running.client.shown(RUN)
    assert run["outputs"] == {"model_outputs": [{"model_id": MODEL, "step": 3}]}


async def test_what_was_not_imported_is_not_changed(running: Running) -> None:
    own = await running.client.run()
    refused = await told(running, 409, **BEGIN | {"run_id": own}, parameters={"p": "1"})
    assert "was not imported" in refused["detail"]
    assert "params" not in (await running.client.shown(own))["data"]
    await running.hears_of_a_trained_run("r-1")
    await told(running, 409, **BEGIN | {"run_id": "r-1"})


async def test_an_id_belongs_to_one_workspace(running: Running) -> None:
    await told(running, **BEGIN)
    await running.client.in_workspace("team-b").get("/experiments/get", experiment_id="0")
    answer = await running.http.post("/v1/imports/runs", json=BEGIN, headers={"X-Murmur-Workspace": "team-b"})
    assert answer.status_code == 409
    assert "another workspace" in answer.json()["detail"]


async def test_a_run_of_an_experiment_in_the_bin_comes_there(running: Running) -> None:
    experiment = (await running.client.did("/experiments/create", name="old"))["experiment_id"]
    await running.client.did("/experiments/delete", experiment_id=experiment)
    await told(running, **BEGIN | {"experiment": experiment})
    assert (await running.client.shown(RUN))["info"]["lifecycle_stage"] == "deleted"


async def test_a_run_in_the_bin_can_be_continued(running: Running) -> None:
    await told(running, **WHOLE, deleted=True)
    await told(running, **WHOLE, parameters={"late": "1"}, deleted=True)
    run = await running.client.shown(RUN)
    assert (run["info"]["lifecycle_stage"], run["data"]["params"]) == ("deleted", [{"key": "late", "value": "1"}])


async def test_bad_bodies_are_refused_with_the_reason(running: Running) -> None:
    for more, reason in (
        ({"run_id": "a/b"}, "run_id"),
        ({"metrics": {**COLUMNS, "step": [1]}}, "differ in length"),
        ({"metrics": {**COLUMNS, "name": [0, 0, 1]}}, "places in metrics.names"),
        ({"metrics": COLUMNS, "measured": [{"model_id": MODEL, "places": [3]}]}, "measured.places"),
        ({"status": "DONE"}, "status"),
        ({"colour": "red"}, "colour"),
    ):
        assert reason in str(await told(running, 422, **BEGIN | more))
    assert "No Experiment with id=77" in (await told(running, 404, **BEGIN | {"experiment": "77"}))["detail"]
    await told(running, **BEGIN, parameters={"eta": "0.1"})
    changed = await told(running, 400, **BEGIN, parameters={"eta": "0.2"})
    assert "Changing param values is not allowed" in changed["detail"]


async def test_a_logged_model_keeps_its_id_and_is_marked_until_it_is_whole(running: Running) -> None:
    at = {"created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-02T00:00:00Z"}
    body = {
        "model_id": MODEL,
        "experiment": "0",
        "name": "booster",
        "source_run": RUN,
        "parameters": {"eta": "1"},
        **at,
    }
    await told(running, kind="logged-models", **body, status="pending", missing="its files")
    _, half = await running.client.get(f"/logged-models/{MODEL}")
    assert half["model"]["info"]["tags"] == [{"key": INCOMPLETE, "value": "its files"}]
    whole = {"tags": {"murmur.imported.digest": "d"}, "missing": None}
    await told(running, kind="logged-models", **body, status="ready", **whole)
    _, found = await running.client.get(f"/logged-models/{MODEL}")
    info = found["model"]["info"]
    assert (info["status"], info["creation_timestamp_ms"], info["tags"]) == (
        "LOGGED_MODEL_READY",
        1735689600000,
        [{"key": "murmur.imported.digest", "value": "d"}],
    )
    own = (await running.client.did("/logged-models", experiment_id="0"))["model"]["info"]["model_id"]
    await told(running, 409, kind="logged-models", **body | {"model_id": own}, status="ready", missing=None)
    await told(running, **BEGIN, metrics=COLUMNS, measured=[{"model_id": MODEL, "places": [0]}])
    _, found = await running.client.get(f"/logged-models/{MODEL}")
    assert [one["value"] for one in found["model"]["data"]["metrics"]] == [0.5]


async def test_an_imported_run_is_made_again_from_its_events(running: Running, tmp_path: Path) -> None:
    await told(running, **BEGIN, metrics=COLUMNS, parameters={"eta": "0.1"})
    await told(running, **WHOLE, deleted=True)
    heard = await on_the_broker(running)
    assert {"run.started", "run.logged", "run.failed"} <= set(heard)
    before = await run_in(running.service.store)
    for place, order in enumerate(permutations(heard)):
        async with opened(tmp_path / f"rebuilt-{place}.db") as store:
            await rebuilt(store, [record for topic in order for record in heard[topic]])
            assert await run_in(store) == before


async def run_in(store: Store) -> str:
    unit = TrackingUnitOfWork(store, Origin(id="query", source="tracking", now=NOW))
    return repr(await client_runs.require(RunOf("default", RUN), unit))
