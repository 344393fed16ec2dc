"""A workspace that was dropped: what was in it is gone with its history, and what a client makes since is served."""

from datetime import UTC, datetime, timedelta

import pytest
from registry_doors import Doors, Refused

from murmur_events.workspaces import WorkspaceDropped, WorkspaceEmptied
from murmur_kernel.testing import Harness, eventually
from murmur_registry.cataloguing import MakeModel, TagModel, make_model, tag_model
from murmur_registry.domain.because import Because
from murmur_registry.domain.models import RegisteredModel, Via
from murmur_registry.domain.workspaces import dropped
from murmur_registry.pointing import PointAlias, Pointing
from murmur_registry.recalling import Recall, recall
from murmur_registry.repository import MODELS, WORKSPACES, RegistryUnitOfWork
from murmur_registry.versioning import MakeVersion, make_version
from murmur_registry.webhooks.commands import MakeWebhook, make_webhook
from murmur_registry.webhooks.documents import WISHES

TEAM = "vision-team"
ADA = Because("ada", "she tries", Via.REST)

Registry = Harness[RegistryUnitOfWork]


def drop_of(workspace: str, at: datetime, generation: int = 0) -> WorkspaceDropped:
    return WorkspaceDropped(workspace=workspace, generation=generation, dropped_at=at)


async def _drop(door: Doors, workspace: str, generation: int = 0) -> None:
    await door.say(drop_of(workspace, datetime.now(UTC), generation))

    async def heard() -> bool:
        found = await door.service.store.get(WORKSPACES.name, workspace)
        return found is not None and WORKSPACES.load(found.body).generation > generation

    await eventually(heard)


async def test_all_of_it_is_gone_and_another_workspace_stays(door: Doors) -> None:
    for workspace in (TEAM, "other"):
        await door.make("churn", versions=2, workspace=workspace)
        body = {"name": "churn", "alias": "champion", "version": "2"}
        await door.mlflow("POST", "registered-models/alias", body, workspace=workspace)
    await door.make("churn", versions=1)
    await _drop(door, TEAM)
    for path, asked in (
        ("registered-models/get", {"name": "churn"}),
        ("registered-models/get-latest-versions", {"name": "churn"}),
        ("registered-models/alias", {"name": "churn", "alias": "champion"}),
        ("model-versions/get", {"name": "churn", "version": "2"}),
        ("model-versions/get-download-uri", {"name": "churn", "version": "2"}),
    ):
        with pytest.raises(Refused, match="not found") as refused:
            await door.mlflow("GET", path, asked, workspace=TEAM)
        assert refused.value.status == 404
        assert await door.mlflow("GET", path, asked, workspace="other")
    for search in ("registered-models/search", "model-versions/search"):
        assert await door.mlflow("GET", search, workspace=TEAM) == {}
        assert await door.mlflow("GET", search, {"filter": "name = 'churn'"}, workspace=TEAM) == {}
        assert await door.mlflow("GET", search, workspace="other")
        assert await door.mlflow("GET", search)
    with pytest.raises(Refused, match="not found"):
        await door.make_version("churn", workspace=TEAM)
    with pytest.raises(Refused, match="not found"):
        await door.make_version("copy", "models:/churn/1", workspace=TEAM)


async def test_its_history_is_not_shown_any_more(door: Doors) -> None:
    await door.make("churn", versions=1, workspace=TEAM)
    await door.make("churn", versions=1, workspace="other")
    before = datetime.now(UTC).isoformat()
    await _drop(door, TEAM)
    for workspace, there in ((TEAM, False), ("other", True)):
        headers = {"X-Murmur-Workspace": workspace}
        changes = await door.http.get("/v1/models/churn/changes", headers=headers)
        assert bool(changes.json()["items"]) is there
        then = await door.http.get("/v1/models/churn", params={"as_of": before}, headers=headers)
        assert (then.status_code == 200) is there
        listed = await door.http.get("/v1/models", headers=headers)
        assert bool(listed.json()["items"]) is there
        moves = await door.http.get("/v1/models/churn/moves", headers=headers)
        assert (moves.status_code == 200) is there


async def test_names_are_free_and_numbers_begin_at_one(door: Doors) -> None:
    await door.make("churn", versions=3, workspace=TEAM)
    body = {"name": "churn", "alias": "champion", "version": "3"}
    await door.mlflow("POST", "registered-models/alias", body, workspace=TEAM)
    for generation in (0, 1):
        await _drop(door, TEAM, generation)
        await door.make("churn", versions=1, workspace=TEAM)
        model = await door.model("churn", workspace=TEAM)
        assert [version["version"] for version in model["latest_versions"]] == ["1"]
        assert "aliases" not in model
        with pytest.raises(Refused, match="version=3"):
            await door.version("churn", 3, workspace=TEAM)
        headers = {"X-Murmur-Workspace": TEAM}
        changes = (await door.http.get("/v1/models/churn/changes", headers=headers)).json()["items"]
        assert [(change["what"], change["version"]) for change in changes] == [("made", 1), ("made", None)]


class Desk:
    """A client of the workspace, by the clock of the test."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.key = f"{TEAM}/churn"

    async def make(self) -> None:
        await self._registry.change(make_model, MakeModel(workspace=TEAM, name="churn", because=ADA))

    async def version(self) -> int:
        command = MakeVersion(key=self.key, source="s3://models/churn", because=ADA)
        version, _ = await self._registry.change(make_version, command)
        return version.version

    async def tag(self, tag: str) -> None:
        await self._registry.change(tag_model, TagModel(key=self.key, tag=tag, value="yes", because=ADA))

    async def shown(self) -> tuple[RegisteredModel | None, list[int]]:
        async def look(key: str, uow: RegistryUnitOfWork) -> tuple[RegisteredModel | None, list[int]]:
            return await uow.model_there(key), [one.version for one in await uow.live_versions(key)]

        return await self._registry.read(look, self.key)


@pytest.fixture
def desk(registry: Registry) -> Desk:
    return Desk(registry)


async def test_a_model_that_was_made_before_the_registry_heard_of_the_end_stays(registry: Registry, desk: Desk) -> None:
    at = registry.clock.now()
    registry.clock.advance(0.01)
    await desk.make()
    assert await desk.version() == 1
    await registry.receives(drop_of(TEAM, at))
    model, versions = await desk.shown()
    assert model is not None
    assert versions == [1]


async def test_a_version_that_was_added_before_the_registry_heard_of_the_end_stays_alone(
    registry: Registry, desk: Desk, pointing: Pointing
) -> None:
    """A client that registers again where it has found its model: it keeps the number that it was told."""
    await desk.make()
    await desk.version()
    await desk.tag("old")
    for alias in ("champion", "moved"):
        command = PointAlias(key=desk.key, alias=alias, version=1, because=ADA)
        await registry.change(pointing.point_alias, command)
    at = registry.clock.now()
    registry.clock.advance(0.01)
    assert await desk.version() == 2
    await desk.tag("new")
    command = PointAlias(key=desk.key, alias="moved", version=2, because=ADA)
    await registry.change(pointing.point_alias, command)
    await registry.receives(drop_of(TEAM, at))
    model, versions = await desk.shown()
    assert model is not None
    assert (versions, dict(model.tags), model.named) == ([2], {"new": "yes"}, {"moved": 2})
    assert model.created_at == at + timedelta(seconds=0.01)
    then = await registry.read(recall, Recall(key=desk.key, at=registry.clock.now()))
    assert (list(then.versions), dict(then.tags), dict(then.aliases)) == ([2], {"new": "yes"}, {"moved": 2})
    assert await desk.version() == 3


async def test_a_call_that_began_before_the_end_and_comes_late_brings_nothing_back(
    registry: Registry, desk: Desk
) -> None:
    """It was under way while the registry heard of the end: what it makes is of before."""
    await registry.receives(drop_of(TEAM, registry.clock.now() + timedelta(seconds=1)))
    await desk.make()
    assert await desk.shown() == (None, [])
    registry.clock.advance(2)
    await desk.make()
    assert (await desk.shown())[0] is not None


async def test_an_older_end_that_comes_late_changes_nothing(registry: Registry, desk: Desk) -> None:
    start = registry.clock.now()
    await registry.receives(drop_of(TEAM, start + timedelta(seconds=1), generation=1))
    registry.clock.advance(2)
    await desk.make()
    await registry.receives(drop_of(TEAM, start + timedelta(seconds=3), generation=0))
    assert (await desk.shown())[0] is not None


async def test_the_end_is_confirmed_with_how_many_models_went(registry: Registry, desk: Desk) -> None:
    await desk.make()
    registry.take_published()
    registry.clock.advance(1)
    for at in (registry.clock.now(), registry.clock.now() + timedelta(seconds=1)):
        await registry.receives(drop_of(TEAM, at))
        await registry.receives(drop_of("unused", at))
    assert registry.published == [
        WorkspaceEmptied(workspace=TEAM, generation=0, models=1),
        WorkspaceEmptied(workspace="unused", generation=0, models=0),
    ]


async def test_its_webhooks_end_with_it_and_no_others(registry: Registry) -> None:
    """Whoever takes the name next is somebody else; what they made before the registry heard of the end is theirs."""

    async def make(workspace: str | None) -> str:
        command = MakeWebhook(url="https://a.example/", topics=("*",), workspace=workspace, secret="s", by="olga")
        return (await registry.change(make_webhook, command)).id

    await make(TEAM)
    kept = [await make("other"), await make(None)]
    at = registry.clock.now()
    registry.clock.advance(1)
    kept.append(await make(TEAM))
    await registry.receives(drop_of(TEAM, at))
    wishes = await registry.get(WISHES, "all")
    assert wishes is not None
    assert [wish.webhook for wish in wishes.wishes] == kept


async def test_the_default_workspace_has_no_end(registry: Registry) -> None:
    await registry.change(make_model, MakeModel(workspace="default", name="churn", because=ADA))
    registry.clock.advance(1)
    await registry.receives(drop_of("default", registry.clock.now()))
    model = await registry.get(MODELS, "churn")
    assert model is not None
    assert not model.deleted
    assert await registry.get(WORKSPACES, "default") is None


def test_ends_are_the_same_in_every_order() -> None:
    first, second = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    one = dropped(dropped(None, TEAM, 0, first), TEAM, 1, second)
    other = dropped(dropped(None, TEAM, 1, second), TEAM, 0, first)
    assert one == other
    assert (one.generation, one.dropped_at) == (2, second)
