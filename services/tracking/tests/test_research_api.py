"""Tracking's own REST for people who experiment: on every store, experiments counted, runs found, names listed."""

from typing import Any

import httpx
from client_calls import Client, Running
from tracking_facts import started

from murmur_events.training import Trigger
from murmur_kernel.testing import eventually
from murmur_tracking.domain.workspaces import workflow_experiment


async def ask(running: Running, path: str, workspace: str = "", **query: Any) -> tuple[int, Any]:
    transport = httpx.ASGITransport(app=running.app)
    headers = {"X-Murmur-Workspace": workspace} if workspace else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://tracking/v1") as http:
        answer = await http.get(path, params=query, headers=headers)
        return answer.status_code, answer.json()


async def given_runs(client: Client, experiment: str = "0") -> list[str]:
    """Five, later ones better, the last one with a tag of its own."""
    runs = []
    for number in range(5):
        run = await client.run(experiment, start_time=1000 * (number + 1), run_name=f"try {number}")
        metrics = [{"key": "auc", "value": 0.5 + number / 10, "timestamp": 1, "step": 0}]
        params = [{"key": "eta", "value": f"0.{number}"}]
        await client.did("/runs/log-batch", run_id=run, metrics=metrics, params=params)
        runs.append(run)
    await client.did("/runs/set-tag", run_id=runs[-1], key="team", value="credit")
    return runs


async def test_experiments_are_listed_with_their_runs_the_newest_first(running: Running) -> None:
    client = running.client
    created = await client.did("/experiments/create", name="depths")
    runs = await given_runs(client)
    other = await client.run(created["experiment_id"], start_time=9000)
    await client.did("/runs/delete", run_id=runs[4])
    status, body = await ask(running, "/experiments")
    assert status == 200
    shown = [(one["name"], one["runs"], one["last_run_at"]) for one in body["items"]]
    assert shown == [("depths", 1, "1970-01-01T00:00:09Z"), ("Default", 4, "1970-01-01T00:00:04Z")]
    await client.did("/runs/delete", run_id=other)
    _, body = await ask(running, "/experiments")
    assert [(one["name"], one["runs"]) for one in body["items"]] == [("Default", 4), ("depths", 0)]


async def test_a_workspace_lists_only_its_own(running: Running) -> None:
    await given_runs(running.client)
    await given_runs(running.client.in_workspace("blue"))
    status, body = await ask(running, "/experiments", workspace="blue")
    assert status == 200
    assert [(one["id"], one["runs"]) for one in body["items"]] == [("0", 5)]
    assert (await ask(running, "/experiments", workspace="no such/name"))[0] == 400


async def test_runs_are_found_in_order_page_by_page(running: Running) -> None:
    runs = await given_runs(running.client)
    seen: list[str] = []
    token: dict[str, str] = {}
    for _ in range(3):
        status, page = await ask(
            running,
            "/runs/search",
            experiment="0",
            filter="metrics.auc < 0.85",
            order_by="metrics.auc DESC",
            limit=2,
            **token,
        )
        assert status == 200, page
        seen += [run["run_id"] for run in page["items"]]
        if page["next"] is None:
            break
        token = {"token": page["next"]}
    assert seen == list(reversed(runs[:4]))


async def test_a_found_run_says_what_a_table_shows(running: Running) -> None:
    runs = await given_runs(running.client)
    _, page = await ask(running, "/runs/search", experiment="0", filter="tags.team = 'credit'")
    (found,) = page["items"]
    assert (found["run_id"], found["name"], found["status"]) == (runs[4], "try 4", "RUNNING")
    assert (found["params"], found["metrics"]) == ({"eta": "0.4"}, {"auc": 0.9})
    assert found["tags"]["team"] == "credit"


async def test_a_run_of_the_trainer_is_of_whoever_asked_for_it(running: Running) -> None:
    asked = Trigger(kind="manual", key="s/1", by="ben")
    await running.says(started("asked").model_copy(update={"trigger": asked}))
    await running.says(started("scheduled"))
    experiment, _ = workflow_experiment("credit")

    async def users() -> dict[str, str]:
        _, page = await ask(running, "/runs/search", experiment=experiment)
        return {run["run_id"]: run["user"] for run in page.get("items", [])}

    async def known() -> bool:
        return await users() == {"asked": "ben", "scheduled": "trainer"}

    await eventually(known)


async def test_the_bin_is_searched_when_asked_for(running: Running) -> None:
    runs = await given_runs(running.client)
    await running.client.did("/runs/delete", run_id=runs[0])
    for lifecycle, wanted in (("active", 4), ("deleted", 1), ("all", 5)):
        _, page = await ask(running, "/runs/search", experiment="0", lifecycle=lifecycle)
        assert len(page["items"]) == wanted


async def test_a_mistake_in_a_filter_is_pointed_at(running: Running) -> None:
    text = "metrics.auc > 0.5 AND statu = 'FAILED'"
    status, said = await ask(running, "/runs/search", experiment="0", filter=text)
    assert (status, said["title"], said["position"]) == (400, "FilterRefused", text.index("statu"))
    assert "status" in str(said["detail"])
    status, said = await ask(running, "/runs/search", experiment="0", order_by="metrics.auc UP")
    assert (status, said["text"]) == (400, "metrics.auc UP")
    status, said = await ask(running, "/runs/search", experiment="0", token="nonsense")
    assert (status, said["title"]) == (400, "TokenRefused")


async def test_known_names_are_those_that_the_runs_of_the_experiment_have(running: Running) -> None:
    await given_runs(running.client)
    created = await running.client.did("/experiments/create", name="other")
    run = await running.client.run(created["experiment_id"])
    await running.client.did("/runs/log-parameter", run_id=run, key="depth.of/tree", value="3")
    _, keys = await ask(running, "/experiments/0/keys")
    assert (keys["params"], keys["metrics"]) == (["eta"], ["auc"])
    assert "team" in keys["tags"]
    _, keys = await ask(running, f"/experiments/{created['experiment_id']}/keys")
    assert (keys["params"], keys["metrics"]) == (["depth.of/tree"], [])
    assert (await ask(running, "/experiments/77/keys"))[0] == 404
