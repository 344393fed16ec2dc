"""Logged models by MLflow's protocol: kept, measured by runs, found, and said on the broker."""

import math
from typing import Any

import httpx
from client_calls import Client, Running

from murmur_events import from_record
from murmur_events.experiments import ModelLogged
from murmur_kernel.testing import eventually


async def made(client: Client, **said: Any) -> str:
    """A new model's id."""
    body = await client.did("/logged-models", experiment_id="0", **said)
    model_id: str = body["model"]["info"]["model_id"]
    return model_id


async def shown(client: Client, model_id: str, **asked: Any) -> dict[str, Any]:
    status, body = await client.get(f"/logged-models/{model_id}", **asked)
    assert status == 200, body
    model: dict[str, Any] = body["model"]
    return model


async def found(client: Client, **said: Any) -> list[str]:
    body = await client.did("/logged-models/search", **{"experiment_ids": ["0"], **said})
    return [model["info"]["name"] for model in body.get("models", [])]


async def measured(client: Client, run: str, model_id: str, value: object, **said: Any) -> None:
    point = {"key": "auc", "value": value, "timestamp": 1, "model_id": model_id, **said}
    await client.did("/runs/log-metric", run_id=run, **point)


async def test_a_model_is_pending_until_it_is_finalized_and_is_said_each_time(running: Running) -> None:
    client = running.client
    model = await made(client, name="booster", model_type="xgb", params=[{"key": "depth", "value": "3"}])
    info = (await shown(client, model))["info"]
    assert (info["status"], info["model_type"], info["name"]) == ("LOGGED_MODEL_PENDING", "xgb", "booster")
    assert info["artifact_uri"] == f"mlflow-artifacts:/0/models/{model}/artifacts"
    status, body = await client.send("PATCH", f"/logged-models/{model}", model_id=model, status="LOGGED_MODEL_READY")
    assert (status, body["model"]["info"]["status"]) == (200, "LOGGED_MODEL_READY")
    assert (await shown(client, model))["data"]["params"] == [{"key": "depth", "value": "3"}]

    async def said() -> bool:
        return len(running.heard("model.logged")) == 2

    await eventually(said)
    events = [from_record(one.topic, one.value, one.headers).event for one in running.heard("model.logged")]
    assert [event.status for event in events if isinstance(event, ModelLogged)] == ["pending", "ready"]


async def test_tags_and_parameters_are_told_later_and_a_parameter_once(running: Running) -> None:
    client = running.client
    model = await made(client, tags=[{"key": "a", "value": "1"}, {"key": "b/c", "value": "2"}])
    path = f"/logged-models/{model}"
    assert (await client.send("PATCH", f"{path}/tags", tags=[{"key": "a", "value": "3"}]))[0] == 200
    assert (await client.send("DELETE", f"{path}/tags/b%2Fc"))[0] == 200
    status, body = await client.send("DELETE", f"{path}/tags/b%2Fc")
    assert (status, body["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert "No tag with key 'b/c' found" in body["message"]
    await client.did(f"{path}/params", params=[{"key": "depth", "value": "3"}])
    status, body = await client.post(f"{path}/params", params=[{"key": "depth", "value": "4"}])
    assert (status, body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    model_now = await shown(client, model)
    assert model_now["info"]["tags"] == [{"key": "a", "value": "3"}]
    assert model_now["data"]["params"] == [{"key": "depth", "value": "3"}]


async def test_what_runs_measure_of_a_model_is_shown_with_it_the_newest_of_each_run_and_data_set(
    running: Running,
) -> None:
    client = running.client
    model, other = await made(client), await made(client)
    first, second = await client.run(), await client.run()
    point = {"key": "auc", "value": 0.5, "timestamp": 1, "step": 0}
    await client.did(
        "/runs/log-batch",
        run_id=first,
        metrics=[
            {**point, "model_id": model},
            {**point, "model_id": other},
            {**point, "value": 0.6, "step": 1, "model_id": model},
            {**point, "key": "alone"},
        ],
    )
    await measured(client, first, model, 0.7, dataset_name="d", dataset_digest="x")
    await measured(client, second, model, "NaN")
    metrics = (await shown(client, model))["data"]["metrics"]
    seen = {(one["run_id"], one["key"], one.get("dataset_name"), one["value"]) for one in metrics}
    assert seen == {(first, "auc", None, 0.6), (first, "auc", "d", 0.7), (second, "auc", None, "NaN")}
    assert len((await shown(client, other))["data"]["metrics"]) == 1
    assert [one["key"] for one in (await client.shown(first))["data"]["metrics"]] == ["auc", "alone"]
    _, history = await client.get("/metrics/get-history", run_id=first, metric_key="auc")
    assert len(history["metrics"]) == 3, "what is of two models is one point of the run"


async def test_nothing_is_measured_of_a_model_that_is_not_there(running: Running) -> None:
    client = running.client
    run = await client.run()
    status, body = await client.post("/runs/log-metric", run_id=run, key="a", value=1, timestamp=1, model_id="m-none")
    assert (status, body["message"]) == (404, "Logged model with ID 'm-none' not found.")
    assert "metrics" not in (await client.shown(run))["data"], "all of a call or nothing"


async def test_a_deleted_model_is_found_by_its_id_alone(running: Running) -> None:
    client = running.client
    kept, gone = await made(client, name="kept"), await made(client, name="gone")
    assert (await client.send("DELETE", f"/logged-models/{gone}"))[0] == 200
    assert await found(client) == ["kept"]
    status, body = await client.get(f"/logged-models/{gone}")
    assert (status, body["message"]) == (404, f"Logged model with ID '{gone}' not found.")
    assert (await shown(client, gone, allow_deleted="true"))["info"]["name"] == "gone"
    assert (await shown(client, kept))["info"]["name"] == "kept"


async def test_models_are_searched_by_what_they_are_and_what_was_measured(running: Running) -> None:
    client = running.client
    run = await client.run()
    for name, depth, auc in (("a", "3", 0.7), ("b", "5", 0.9), ("c", "7", math.nan)):
        model = await made(
            client, name=name, params=[{"key": "depth", "value": depth}], tags=[{"key": "team", "value": f"t {name}"}]
        )
        await measured(client, run, model, "NaN" if math.isnan(auc) else auc, dataset_name="d", dataset_digest=name)
    assert await found(client, filter="name = 'a'") == ["a"]
    assert await found(client, filter="metrics.auc > 0.8") == ["b"]
    assert await found(client, filter="params.depth = '3' AND tags.team LIKE 't%'") == ["a"]
    assert await found(client, filter="status = 'PENDING' AND name != 'a'", order_by=[{"field_name": "name"}]) == [
        "b",
        "c",
    ]
    by_auc = {"field_name": "metrics.auc", "ascending": True}
    assert await found(client, order_by=[by_auc]) == ["a", "b", "c"]
    assert await found(client, order_by=[{**by_auc, "ascending": False}]) == ["b", "a", "c"]
    assert (await found(client, order_by=[{**by_auc, "dataset_digest": "b"}]))[0] == "b"
    assert await found(client, datasets=[{"dataset_name": "d", "dataset_digest": "a"}]) == ["a"]
    assert await found(client, datasets=[{"dataset_name": "nothing"}]) == []
    assert (
        await found(client, filter="metrics.auc > 0.8", datasets=[{"dataset_name": "d", "dataset_digest": "a"}]) == []
    )


async def test_the_token_of_a_page_is_of_its_search(running: Running) -> None:
    client = running.client
    for name in "abc":
        await made(client, name=name)
    by_name = {"order_by": [{"field_name": "name"}], "experiment_ids": ["0"]}
    first = await client.did("/logged-models/search", max_results=2, **by_name)
    token = first["next_page_token"]
    second = await client.did("/logged-models/search", max_results=2, page_token=token, **by_name)
    pages = [[model["info"]["name"] for model in page["models"]] for page in (first, second)]
    assert pages == [["a", "b"], ["c"]]
    assert "next_page_token" not in second
    for differs, words in (
        ({"filter": "name = 'a'"}, "Filter string in the page token does not match"),
        ({"order_by": []}, "Order by in the page token does not match"),
        ({"experiment_ids": ["1"]}, "Experiment IDs in the page token do not match"),
        ({"page_token": "nonsense"}, "Invalid page token: "),
    ):
        status, body = await client.post("/logged-models/search", **{**by_name, "page_token": token, **differs})
        assert (status, words in body["message"]) == (400, True), body


async def test_what_does_not_fit_is_refused_by_name(running: Running) -> None:
    client = running.client
    model = await made(client)
    for method, path, body, words in (
        ("POST", "/logged-models", {"experiment_id": "0", "name": "a/b"}, "Invalid model name ('a/b') provided"),
        ("POST", "/logged-models", {}, "required parameter 'experiment_id'"),
        ("PATCH", f"/logged-models/{model}", {}, "required parameter 'status'"),
        ("PATCH", f"/logged-models/{model}", {"status": "DONE"}, "Invalid value"),
        ("POST", "/logged-models/search", {}, "required parameter 'experiment_ids'"),
        ("POST", "/logged-models/search", {"experiment_ids": ["0"], "datasets": [{}]}, "`dataset_name` in the"),
        (
            "POST",
            "/logged-models/search",
            {"experiment_ids": ["0"], "order_by": [{"field_name": "foo"}]},
            "Invalid order by field name: foo",
        ),
        (
            "POST",
            "/logged-models/search",
            {"experiment_ids": ["0"], "order_by": [{"field_name": "params.x"}]},
            "Invalid order by field name: params.x. Only metrics are supported.",
        ),
        (
            "POST",
            "/logged-models/search",
            {"experiment_ids": ["0"], "filter": "foo.x = 1"},
            "Invalid entity type: 'foo'",
        ),
    ):
        status, answer = await client.send(method, path, **body)
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), (path, answer)
        assert words in answer["message"], (path, answer)


async def test_models_of_another_workspace_are_not_there(running: Running) -> None:
    ours, theirs = running.client, running.client.in_workspace("team-b")
    model = await made(ours, name="ours")
    assert (await theirs.get(f"/logged-models/{model}"))[0] == 404
    assert await found(theirs) == []
    run = await theirs.run()
    status, _ = await theirs.post("/runs/log-metric", run_id=run, key="a", value=1, timestamp=1, model_id=model)
    assert status == 404
    assert await found(ours) == ["ours"]


async def test_the_files_of_a_model_are_listed_and_read(running: Running) -> None:
    client = running.client
    model = await made(client)
    transport = httpx.ASGITransport(app=running.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tracking") as http:
        await http.put(f"/api/2.0/mlflow-artifacts/artifacts/0/models/{model}/artifacts/sub/a.txt", content=b"hello")
        base = f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts"
        listed = (await http.get(f"{base}/directories", params={"artifact_directory_path": "sub"})).json()
        assert listed["files"] == [{"path": "sub/a.txt", "is_dir": False, "file_size": 5}]
        assert (await http.get(f"{base}/files", params={"artifact_file_path": "sub/a.txt"})).text == "hello"
        refused = await http.get(f"{base}/files", params={"artifact_file_path": "../a.txt"})
        assert (refused.status_code, refused.json()["message"]) == (400, "Invalid path")
        assert (await http.get(f"{base}/files")).status_code == 400
        other = base.replace(model, "m-none")
        assert (await http.get(f"{other}/files", params={"artifact_file_path": "sub/a.txt"})).status_code == 404
