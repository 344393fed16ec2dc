"""A workspace that is dropped is gone at once for every reader, and its name begins anew."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_calls import Client, Running
from test_client_rebuild import on_the_broker, rebuilt
from test_logged_models import found as models_found
from test_logged_models import made
from test_rebuild import opened

from murmur_events import from_record
from murmur_events.workspaces import WorkspaceDropped, WorkspaceEmptied
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.store import SqliteStore, open_store
from murmur_kernel.testing import eventually
from murmur_mlflow.workspaces import parts
from murmur_tracking.app import build
from murmur_tracking.domain import workspaces
from murmur_tracking.domain.workspaces import Workspace
from murmur_tracking.search import INDEX
from murmur_tracking.settings import Settings


async def filled(client: Client) -> dict[str, str]:
    """Ids of one of each thing."""
    experiment = (await client.did("/experiments/create", name="ablation"))["experiment_id"]
    run = await client.run(experiment, tags=[{"key": "a", "value": "b"}])
    await client.did("/runs/log-metric", run_id=run, key="auc", value=0.5, timestamp=1)
    await client.did("/runs/update", run_id=run, status="FINISHED")
    model = await made(client, name="booster")
    await client.upload("0/x/a.txt", b"hello")
    return {"experiment": experiment, "run": run, "model": model}


async def everything(client: Client, of: dict[str, str]) -> dict[str, Any]:
    """All that readers are shown of it; times and ids left away."""
    status = {
        "run": (await client.get("/runs/get", run_id=of["run"]))[0],
        "experiment": (await client.get("/experiments/get", experiment_id=of["experiment"]))[0],
        "named": (await client.get("/experiments/get-by-name", experiment_name="ablation"))[0],
        "model": (await client.get(f"/logged-models/{of['model']}"))[0],
        "ours": (await client.ours("GET", f"/runs/{of['run']}"))[0],
        "points": (await client.ours("GET", f"/runs/{of['run']}/metrics"))[0],
        "compared": (await client.ours("GET", f"/compare?run={of['run']}", **client.headers))[0],
    }
    listed = (await client.ours("GET", "/runs?limit=1"))[1]["items"]
    return {
        **status,
        "listed": of["run"] in [run["run_id"] for run in listed],
        "history": (await client.get("/metrics/get-history", run_id=of["run"], metric_key="auc"))[1] != {},
        "found": await client.found(experiment_ids=[of["experiment"]], run_view_type="ALL") != [],
        "models": await models_found(client) != [],
        "files": await client.files("0/x") != [],
    }


THERE = dict.fromkeys(("run", "experiment", "named", "model", "ours", "points", "compared"), 200)
GONE: dict[str, Any] = {
    **dict.fromkeys(THERE, 404),
    **dict.fromkeys(("listed", "history", "found", "models", "files"), False),
}
IS_THERE = {**THERE, **dict.fromkeys(("listed", "history", "found", "models", "files"), True)}


@asynccontextmanager
async def again(path: Path, home: Path) -> AsyncIterator[Client]:
    """A service over what a rebuild has made."""
    broker = MemoryBroker()
    service, app = build(
        Settings(home=home, brokers="127.0.0.1:1"),
        store=SqliteStore(str(path), INDEX.sqlite()),
        sink=MemorySink(broker),
        source=MemorySource(broker, "tracking", (), wait=0.01),
    )
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://tracking") as http:
        yield Client(http)


async def names(client: Client) -> list[tuple[str, int]]:
    return [(one["name"], one["generation"]) for one in (await client.ours("GET", "/workspaces"))[1]["items"]]


async def test_a_dropped_workspace_is_gone_for_every_reader_and_no_other(running: Running) -> None:
    ours, theirs = running.client.in_workspace("team-a"), running.client.in_workspace("team-b")
    kept = await filled(ours)
    gone = await filled(theirs)
    assert await everything(theirs, gone) == IS_THERE
    assert await names(ours) == [("team-a", 0), ("team-b", 0)]
    status, answer = await theirs.ours("DELETE", "/workspaces/team-b")
    assert (status, answer["name"]) == (200, "team-b")
    assert await names(ours) == [("team-a", 0)]
    assert await everything(theirs, gone) == GONE
    assert await everything(ours, kept) == {**IS_THERE, "listed": True}


async def test_its_names_are_free_again_and_may_be_dropped_again(running: Running) -> None:
    client = running.client.in_workspace("team-b")
    for generation in range(3):
        of = await filled(client)
        assert await everything(client, of) == IS_THERE
        shown = await client.shown(of["run"])
        assert shown["info"]["experiment_id"] == of["experiment"]
        assert (await client.ours("GET", f"/runs/{of['run']}"))[1]["workspace"] == "team-b"
        assert await names(client) == [("team-b", generation)]
        assert (await client.ours("DELETE", "/workspaces/team-b"))[0] == 200
        assert await everything(client, of) == GONE

    async def said() -> bool:
        return len(running.heard("workspace.dropped")) == 3

    await eventually(said)
    events = [from_record(one.topic, one.value, one.headers).event for one in running.heard("workspace.dropped")]
    assert [event.generation for event in events if isinstance(event, WorkspaceDropped)] == [0, 1, 2]


async def test_the_names_of_its_artifacts_go_from_the_disk(running: Running, tmp_path: Path) -> None:
    ours, theirs = running.client.in_workspace("team-a"), running.client.in_workspace("team-b")
    await ours.upload("a.txt", b"hello")
    await theirs.upload("a.txt", b"hello")
    (kept,) = tmp_path.glob("**/mlflow/team-a")
    (gone,) = tmp_path.glob("**/mlflow/team-b")
    assert (await theirs.ours("DELETE", "/workspaces/team-b"))[0] == 200

    async def deleted() -> bool:
        return not gone.exists()

    await eventually(deleted)
    assert kept.exists()


async def test_a_drop_that_is_repeated_under_its_key_drops_nothing_more(running: Running) -> None:
    client = running.client.in_workspace("team-b")
    await filled(client)
    key = {"Idempotency-Key": "once"}
    first = await client.ours("DELETE", "/workspaces/team-b", **key)
    of = await filled(client)
    assert await client.ours("DELETE", "/workspaces/team-b", **key) == first
    assert await everything(client, of) == IS_THERE


async def test_default_stays_and_what_is_not_there_is_not_dropped(running: Running) -> None:
    client = running.client
    of = await filled(client)
    status, answer = await client.ours("DELETE", "/workspaces/default")
    assert (status, "cannot be dropped" in answer["detail"]) == (409, True)
    assert await everything(client, of) == IS_THERE
    for name in ("team-b", "no.name"):
        assert (await client.ours("DELETE", f"/workspaces/{name}"))[0] == 404
    await filled(client.in_workspace("team-b"))
    assert (await client.ours("DELETE", "/workspaces/team-b"))[0] == 200
    assert (await client.ours("DELETE", "/workspaces/team-b"))[0] == 404, "it is gone, and nobody has used it since"


async def test_opening_a_workspace_is_not_the_answer_to_the_call_that_names_it(running: Running) -> None:
    """A call with an Idempotency-Key that is the first of its workspace."""
    headers = {"X-Murmur-Workspace": "team-k", "Idempotency-Key": "first"}
    client = running.client
    answer = await client._http.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}, headers=headers)
    again = await client._http.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}, headers=headers)
    assert (answer.status_code, again.json()) == (200, answer.json())


async def test_a_rebuild_ends_alike_in_any_order_of_the_topics(running: Running, tmp_path: Path) -> None:
    client = running.client.in_workspace("team-b")
    gone = await filled(client)
    assert (await client.ours("DELETE", "/workspaces/team-b"))[0] == 200
    there = await filled(client)
    told = await on_the_broker(running)
    moving = [topic for topic in told if topic in ("workspace.dropped", "experiment.changed", "run.started")]
    others = [topic for topic in told if topic not in moving]
    for place, order in enumerate(permutations(moving)):
        path = tmp_path / f"rebuilt-{place}.db"
        async with opened(path) as store:
            await rebuilt(store, [record for topic in (*order, *others) for record in told[topic]])
        async with again(path, tmp_path) as rebuilt_client:
            client = rebuilt_client.in_workspace("team-b")
            by_name = {"files": True, "models": True, "named": 200}  # of the workspace that is there now
            assert await everything(client, gone) == GONE | by_name
            assert await everything(client, there) == IS_THERE
            assert await names(client) == [("team-b", 1)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_what_a_name_stands_for_is_the_same_in_every_order(order: tuple[int, ...]) -> None:
    at = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]
    facts = (
        lambda one: workspaces.opened(one, 0, at[0]),
        lambda one: workspaces.dropped(one, 0),
        lambda one: workspaces.opened(one, 1, at[1]),
        lambda one: workspaces.dropped(one, 1),
    )
    state = Workspace(name="team-b")
    for place in order:
        state = facts[place](state)
    assert state == Workspace(name="team-b", generation=2, opened=1, opened_at=at[1])
    assert not state.exists
    assert parts(state.current) == ("team-b", 2)


async def test_the_end_is_answered_when_the_registry_has_let_go_of_its_models(tmp_path: Path) -> None:
    """It waits so long that a test that passes has been woken by the event."""
    broker = MemoryBroker()
    topics = ("workspace.emptied",)
    service, app = build(
        Settings(home=tmp_path, brokers="127.0.0.1:1", hearsay_seconds=60),
        store=open_store("memory:", "tracking", INDEX),
        sink=MemorySink(broker),
        source=MemorySource(broker, "tracking", topics, wait=0.01),
    )
    transport = httpx.ASGITransport(app=app)
    async with service.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://tracking") as http:
        running = Running(service, app, broker, Client(http), http)
        await running.client.in_workspace("team-b").run()
        call = asyncio.ensure_future(running.client.ours("DELETE", "/workspaces/team-b"))
        await eventually(lambda: running.heard("workspace.dropped"))
        await running.says(WorkspaceEmptied(workspace="else", generation=0, models=1))
        assert not call.done()
        await running.says(WorkspaceEmptied(workspace="team-b", generation=0, models=1))
        async with asyncio.timeout(5):
            assert (await call)[1]["models_gone"] is True


async def test_the_end_is_answered_though_the_registry_says_nothing(running: Running) -> None:
    await running.client.in_workspace("team-b").run()
    status, body = await running.client.ours("DELETE", "/workspaces/team-b")
    assert (status, body["models_gone"]) == (200, False)
