"""Runs by MLflow's protocol: what a client logs is kept, found, and said on the broker; what it may not is refused."""

import math

import httpx
import pytest
from client_calls import Running

from murmur_events import from_record
from murmur_kernel.consuming import Ack
from murmur_kernel.errors import Conflict
from murmur_kernel.testing import eventually
from murmur_kernel.unit_of_work import Origin
from murmur_tracking import client_runs
from murmur_tracking.client_runs import LogToRun, RunOf


async def test_a_run_is_begun_told_of_and_ended(running: Running) -> None:
    client = running.client
    run = await client.run(run_name="first", user_id="ada", tags=[{"key": "team", "value": "credit"}])
    await client.did("/runs/log-parameter", run_id=run, key="eta", value="0.1")
    await client.did("/runs/log-metric", run_id=run, key="auc", value=0.7, timestamp=2000, step=1)
    await client.did("/runs/log-metric", run_id=run, key="auc", value=0.6, timestamp=1500, step=0)
    await client.did("/runs/update", run_id=run, status="FINISHED", end_time=3000)
    shown = await client.shown(run)
    info = shown["info"]
    assert (info["run_name"], info["user_id"], info["status"]) == ("first", "ada", "FINISHED")
    assert (info["start_time"], info["end_time"], info["lifecycle_stage"]) == (1000, 3000, "active")
    assert shown["data"]["params"] == [{"key": "eta", "value": "0.1"}]
    assert shown["data"]["metrics"] == [{"key": "auc", "value": 0.7, "timestamp": 2000, "step": 1}]
    assert {"key": "mlflow.runName", "value": "first"} in shown["data"]["tags"]
    _, history = await client.get("/metrics/get-history", run_id=run, metric_key="auc")
    assert [(point["step"], point["value"]) for point in history["metrics"]] == [(0, 0.6), (1, 0.7)]


async def test_all_that_is_told_of_a_run_stands_in_one_chain(running: Running) -> None:
    client = running.client
    run = await client.run()
    await client.did("/runs/log-batch", run_id=run, params=[{"key": "eta", "value": "0.1"}])
    await client.did("/runs/update", run_id=run, status="FINISHED")
    service = running.service

    async def published() -> bool:
        return await service.store.outbox_depth() == (0, None)

    await eventually(published)
    records = [record for topic in ("run.started", "run.logged", "run.completed") for record in running.heard(topic)]
    envelopes = [from_record(record.topic, record.value, record.headers) for record in records]
    assert [envelope.topic for envelope in envelopes] == ["run.started", "run.logged", "run.completed"]
    assert {envelope.correlation_id for envelope in envelopes} == {envelopes[0].correlation_id}
    assert [envelope.causation_id for envelope in envelopes] == [None, envelopes[0].id, envelopes[0].id]
    assert [envelope.sequence for envelope in envelopes] == [1, 2, 3]


async def test_an_end_whose_time_is_not_told_again_stays_when_it_was(running: Running) -> None:
    client = running.client
    run = await client.run()
    await client.did("/runs/update", run_id=run, status="FAILED", end_time=3000)
    await client.did("/runs/update", run_id=run, status="FINISHED")
    info = (await client.shown(run))["info"]
    assert (info["status"], info["end_time"]) == ("FINISHED", 3000)


async def test_a_run_that_went_on_ends_when_it_ends(running: Running) -> None:
    client = running.client
    run = await client.run()
    await client.did("/runs/update", run_id=run, status="FAILED", end_time=3000)
    await client.did("/runs/update", run_id=run, status="RUNNING")
    await client.did("/runs/update", run_id=run, status="FINISHED")
    info = (await client.shown(run))["info"]
    assert (info["status"], info["end_time"] > 3000) == ("FINISHED", True)


async def test_a_batch_of_more_than_a_megabyte_is_refused_whole(running: Running) -> None:
    client = running.client
    run = await client.run()
    params = [{"key": f"p{number}", "value": "x" * 6000} for number in range(100)]
    tags = [{"key": f"t{number}", "value": "x" * 8000} for number in range(100)]
    status, body = await client.post("/runs/log-batch", run_id=run, params=params, tags=tags)
    assert (status, body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert body["message"].startswith("Batched logging API requests must be at most 1000000 bytes")
    await client.did("/runs/log-batch", run_id=run, tags=tags)
    assert "params" not in (await client.shown(run))["data"]


async def test_a_parameter_is_said_once(running: Running) -> None:
    client = running.client
    run = await client.run()
    for _ in range(2):
        await client.did("/runs/log-parameter", run_id=run, key="eta", value="0.1")
    status, body = await client.post("/runs/log-parameter", run_id=run, key="eta", value="0.2")
    assert (status, body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "was already logged with value='0.1'" in body["message"]
    status, body = await client.post(
        "/runs/log-batch",
        run_id=run,
        metrics=[{"key": "auc", "value": 1, "timestamp": 1}],
        params=[{"key": "new", "value": "1"}, {"key": "eta", "value": "0.3"}],
    )
    assert status == 400
    assert (await client.shown(run))["data"].get("metrics") is None, "a batch is kept whole or not at all"
    assert (await client.shown(run))["data"]["params"] == [{"key": "eta", "value": "0.1"}]


async def test_what_is_no_number_comes_back_as_it_was_said(running: Running) -> None:
    client = running.client
    run = await client.run()
    values = {"nan": "NaN", "up": "Infinity", "down": "-Infinity"}
    metrics = [{"key": key, "value": value, "timestamp": 1} for key, value in values.items()]
    await client.did("/runs/log-batch", run_id=run, metrics=metrics)
    shown = (await client.shown(run))["data"]["metrics"]
    assert {metric["key"]: metric["value"] for metric in shown} == values
    for key, value in values.items():
        _, history = await client.get("/metrics/get-history", run_id=run, metric_key=key)
        assert [point["value"] for point in history["metrics"]] == [value]
    assert await client.found(filter="metrics.up > 1e300") == [run]
    assert await client.found(filter="metrics.nan > 0 or metrics.nan <= 0") == []


async def test_the_newest_value_is_of_the_highest_step_then_time_then_value(running: Running) -> None:
    client = running.client
    run = await client.run()
    points = [(5, 2, 0.5), (5, 3, 0.1), (5, 3, 0.3), (4, 9, 0.9), (5, 3, math.nan)]
    for step, time, value in points:
        shown = "NaN" if math.isnan(value) else value
        await client.did("/runs/log-metric", run_id=run, key="m", value=shown, timestamp=time, step=step)
    (metric,) = (await client.shown(run))["data"]["metrics"]
    assert (metric["step"], metric["timestamp"], metric["value"]) == (5, 3, 0.3)


async def test_a_long_history_of_single_values_is_kept_whole_and_in_few_documents(running: Running) -> None:
    client = running.client
    run = await client.run()
    for step in range(450):
        await client.did("/runs/log-metric", run_id=run, key="loss", value=step, timestamp=step, step=step)
    _, history = await client.get("/metrics/get-history", run_id=run, metric_key="loss")
    assert [point["step"] for point in history["metrics"]] == list(range(450))
    page: dict[str, object] = {}
    seen = []
    for _ in range(5):
        token = page.get("next_page_token", "")
        _, page = await client.get(
            "/metrics/get-history", run_id=run, metric_key="loss", max_results=100, page_token=token
        )
        seen += [point["step"] for point in page["metrics"]]  # type: ignore[attr-defined]  # JSON
    assert seen == list(range(450))
    assert "next_page_token" not in page


async def test_a_run_that_ended_goes_on_and_ends_in_another_way(running: Running) -> None:
    client = running.client
    run = await client.run()
    await client.did("/runs/log-metric", run_id=run, key="auc", value=0.7, timestamp=1)
    for status in ("FINISHED", "RUNNING", "SCHEDULED", "RUNNING", "KILLED", "FAILED", "FINISHED"):
        await client.did("/runs/update", run_id=run, status=status)
        shown = await client.shown(run)
        assert shown["info"]["status"] == status
        assert ("end_time" in shown["info"]) == (status in ("FINISHED", "FAILED", "KILLED"))
        assert shown["data"]["metrics"][0]["value"] == 0.7


async def test_the_bin_takes_no_words_and_gives_runs_back(running: Running) -> None:
    client = running.client
    kept, binned = await client.run(), await client.run()
    await client.did("/runs/delete", run_id=binned)
    status, body = await client.post("/runs/set-tag", run_id=binned, key="a", value="b")
    assert (status, body["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "must be in the 'active' state" in body["message"]
    assert await client.found() == [kept]
    assert await client.found(run_view_type="DELETED_ONLY") == [binned]
    assert sorted(await client.found(run_view_type="ALL")) == sorted([kept, binned])
    await client.did("/runs/restore", run_id=binned)
    await client.did("/runs/set-tag", run_id=binned, key="a", value="b")


async def test_tags_change_and_go_and_one_of_them_is_the_name(running: Running) -> None:
    client = running.client
    run = await client.run()
    await client.did("/runs/set-tag", run_id=run, key="stage", value="draft")
    await client.did("/runs/set-tag", run_id=run, key="stage", value="final")
    await client.did("/runs/set-tag", run_id=run, key="mlflow.runName", value="renamed")
    assert await client.found(filter="tags.stage = 'final' AND attributes.run_name = 'renamed'") == [run]
    await client.did("/runs/delete-tag", run_id=run, key="stage")
    assert await client.found(filter="tags.stage = 'final'") == []
    status, body = await client.post("/runs/delete-tag", run_id=run, key="stage")
    assert (status, body["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


async def test_what_does_not_fit_is_refused_by_name(running: Running) -> None:
    client = running.client
    run = await client.run()
    point = {"key": "m", "value": 1, "timestamp": 1}
    for path, body, words in (
        ("/runs/log-metric", {"run_id": run, "key": "a@b", "value": 1, "timestamp": 1}, 'Invalid value "a@b"'),
        ("/runs/log-metric", {"run_id": run, "key": "../a", "value": 1, "timestamp": 1}, "must not resolve"),
        ("/runs/log-metric", {"run_id": run, "key": "a" * 251, "value": 1, "timestamp": 1}, "maximum length of 250"),
        ("/runs/log-metric", {"run_id": run, "key": "m", "value": "x", "timestamp": 1}, "Invalid value"),
        ("/runs/log-metric", {"run_id": run, "key": "m", "value": 1, "timestamp": -1}, "nonnegative"),
        ("/runs/log-metric", {"run_id": run, "key": "m", "value": 1}, "required parameter 'timestamp'"),
        ("/runs/log-batch", {"run_id": run, "metrics": [point] * 1001}, "at most 1000 metrics. Got 1001"),
        ("/runs/log-batch", {"run_id": run, "params": [{"key": "p", "value": "1"}] * 2}, "Duplicate parameter keys"),
        ("/runs/log-batch", {"run_id": run, "metrics": [{"value": 1, "timestamp": 1}]}, "'metrics[0].key'"),
        ("/runs/update", {"run_id": run, "status": "DONE"}, "Invalid value"),
        ("/runs/set-tag", {"key": "a"}, "required parameter 'run_id'"),
    ):
        status, answer = await client.post(path, **body)
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), (path, body, answer)
        assert words in answer["message"], (path, answer)
    assert (await client.shown(run))["data"].get("metrics") is None


async def test_the_trainers_runs_are_found_and_nobody_else_may_change_them(running: Running) -> None:
    await running.hears_of_a_trained_run("r-1")
    client = running.client
    _, body = await client.get("/experiments/get-by-name", experiment_name="workflows/credit")
    experiment = body["experiment"]["experiment_id"]
    found = await client.found(experiment_ids=[experiment], filter="params.max_depth = '4' and metrics.auc > 0.5")
    assert found == ["r-1"]
    status, body = await client.post("/runs/set-tag", run_id="r-1", key="a", value="b")
    assert (status, body["error_code"]) == (403, "PERMISSION_DENIED")


async def test_workspaces_do_not_see_each_other(running: Running) -> None:
    ours, theirs = running.client, running.client.in_workspace("team-b")
    run = await ours.run()
    assert await theirs.found() == []
    status, body = await theirs.get("/runs/get", run_id=run)
    assert (status, body["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    other = await theirs.run()
    assert await theirs.found() == [other]
    assert (await theirs.shown(other))["info"]["experiment_id"] == "0"
    assert await ours.found() == [run]
    status, body = await running.client.in_workspace("no name").get("/experiments/get", experiment_id="0")
    assert status == 400
    assert "'no name'" in body["message"]


async def test_logging_costs_a_client_one_transaction_a_call(running: Running) -> None:
    """An event that was said here is not heard here once more: nothing is marked as handled."""
    run = await running.client.run()
    (record,) = await eventually(lambda: running.heard("run.started"))
    envelope = from_record(record.topic, record.value, record.headers)
    assert (envelope.key, envelope.source) == (run, "tracking")
    assert await running.service.dispatcher.handle(record) == Ack()
    assert not await running.service.store.handled(envelope.id)


async def test_a_change_that_is_refused_leaves_no_trace_in_the_search(running: Running) -> None:
    """Two replicas change one run at once: the index is told in the commit that wins, and in no other."""
    run = await running.client.run()
    units = [
        running.service.unit_of_work(
            running.service.store, Origin(id=name, source="tracking", now=running.service.clock.now())
        )
        for name in ("one", "other")
    ]
    for unit in units:
        name = str(unit.new_id("tag"))[:8]
        await client_runs.log(LogToRun(run=RunOf("default", run), tags={"winner": name}), unit)
    await units[0].commit()
    with pytest.raises(Conflict):
        await units[1].commit()
    first, second = (str(unit.new_id("tag"))[:8] for unit in units)
    assert await running.client.found(filter=f"tags.winner = '{first}'") == [run]
    assert await running.client.found(filter=f"tags.winner = '{second}'") == []


async def test_bodies_of_another_kind_are_refused(running: Running) -> None:
    transport = httpx.ASGITransport(app=running.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tracking") as http:
        answer = await http.post("/api/2.0/mlflow/runs/create", content=b"<run/>", headers={"content-type": "text/xml"})
        assert answer.status_code == 400
        assert "Content-Type must be one of" in answer.json()["message"]
        answer = await http.post(
            "/api/2.0/mlflow/runs/set-tag", content=b"{", headers={"content-type": "application/json"}
        )
        assert "required parameter 'run_id'" in answer.json()["message"]
