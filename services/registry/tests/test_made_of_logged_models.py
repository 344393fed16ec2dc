"""Versions of what tracking tells of: logged models, and paths of runs that keep their artifacts in a folder."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from registry_doors import Doors, Json, Refused, doors

from murmur_events.base import ExperimentId, RunId
from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.workspaces import WorkspaceDropped
from murmur_kernel.testing import STORES, eventually
from murmur_registry.repository import LOCAL_EXPERIMENTS, LOGGED_MODELS, WORKSPACES

ID = "m-0123456789abcdef0123456789abcdef"
FILES = f"mlflow-artifacts:/1/models/{ID}/artifacts"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=STORES)
async def patient(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Doors]:
    """A door at which calls wait long, so that a test that passes has been woken by the event."""
    async with doors(request.param, tmp_path, hearsay=60) as opened:
        yield opened


def logged(
    *registered: tuple[str, int], workspace: str = "default", artifacts: str = FILES, deleted: bool = False
) -> ModelLogged:
    listed = ", ".join(f'{{"name": "{name}", "version": {version}}}' for name, version in registered)
    return ModelLogged(
        model_id=ID,
        workspace=workspace,
        experiment=ExperimentId("1"),
        name="credit",
        status="ready",
        artifact_uri=artifacts,
        source_run=RunId("r7"),
        tags={"mlflow.modelVersions": f"[{listed}]"} if registered else {},
        deleted=deleted,
        created_at=NOW,
        updated_at=NOW,
    )


def filed(location: str, workspace: str = "default") -> ExperimentChanged:
    return ExperimentChanged(
        experiment=ExperimentId("1"),
        workspace=workspace,
        name="credit",
        artifact_location=location,
        created_at=NOW,
        updated_at=NOW,
    )


async def create(door: Doors, source: str, workspace: str = "default", **more: str) -> Json:
    body = {"name": "churn", "source": source, **more}
    made: Json = (await door.mlflow("POST", "model-versions/create", body, workspace=workspace))["model_version"]
    return made


async def known(door: Doors, kind: str, document: str) -> None:
    async def there() -> bool:
        return await door.service.store.get(kind, document) is not None

    await eventually(there)


async def test_a_version_of_a_logged_model_has_its_run_and_leads_to_its_files(door: Doors) -> None:
    await door.make("churn", versions=0)
    await door.say(logged(("churn", 1), ("churn", 2)))
    await known(door, LOGGED_MODELS.name, ID)
    version = await create(door, f"models:/{ID}", model_id=ID)
    assert (version["source"], version["run_id"], version["model_id"]) == (f"models:/{ID}", "r7", ID)
    uri = await door.mlflow("GET", "model-versions/get-download-uri", {"name": "churn", "version": "1"})
    assert uri == {"artifact_uri": FILES}
    assert (await create(door, f"models:/{ID}", run_id="r8"))["run_id"] == "r8"


async def test_a_call_that_is_ahead_of_the_event_is_served_as_soon_as_it_comes(patient: Doors) -> None:
    await patient.make("churn", versions=0)
    call = asyncio.ensure_future(create(patient, f"models:/{ID}"))
    await patient.say(logged(("churn", 1)))
    async with asyncio.timeout(5):
        assert (await call)["run_id"] == "r7"


async def test_a_version_is_answered_when_its_logged_model_tells_of_it(patient: Doors) -> None:
    """A client that asks tracking at once finds the tag."""
    await patient.make("churn", versions=0)
    await patient.say(logged())
    call = asyncio.ensure_future(create(patient, FILES, model_id=ID))

    async def made() -> bool:
        return "model_versions" in await patient.mlflow("GET", "model-versions/search")

    await eventually(made)
    assert not call.done()
    await patient.say(logged(("churn", 1)))
    async with asyncio.timeout(5):
        assert (await call)["version"] == "1"


async def test_a_version_is_answered_in_the_end_though_tracking_says_nothing(door: Doors) -> None:
    await door.make("churn", versions=0)
    await door.say(logged())
    await known(door, LOGGED_MODELS.name, ID)
    assert (await create(door, f"models:/{ID}"))["version"] == "1"


@pytest.mark.parametrize("told", [None, logged(workspace="other"), logged(deleted=True)], ids=["none", "else", "gone"])
async def test_what_tracking_has_not_told_is_missed_by_name(door: Doors, told: ModelLogged | None) -> None:
    await door.make("churn", versions=0)
    if told is not None:
        await door.say(told)
        await known(door, LOGGED_MODELS.name, ID)
    for source, more in ((f"models:/{ID}", {}), (FILES, {"model_id": ID})):
        with pytest.raises(Refused, match=f"Logged model with ID '{ID}' not found: tracking has told of none") as no:
            await create(door, source, **more)
        assert (no.value.status, no.value.code) == (404, "RESOURCE_DOES_NOT_EXIST")
    with pytest.raises(Refused, match="must identify the resource"):
        await create(door, f"models:/{ID}", model_id="m-else")
    assert await door.mlflow("GET", "model-versions/search") == {}


async def test_a_logged_model_ends_with_its_workspace_and_not_with_its_name(door: Doors) -> None:
    await door.make("churn", versions=0, workspace="team-b")
    await door.say(logged(("churn", 1), workspace="team-b"))
    await known(door, LOGGED_MODELS.name, ID)
    await door.say(WorkspaceDropped(workspace="team-b", generation=0, dropped_at=datetime.now(UTC)))
    await known(door, WORKSPACES.name, "team-b")
    await door.make("churn", versions=0, workspace="team-b")
    with pytest.raises(Refused, match="Logged model with ID"):
        await create(door, f"models:/{ID}", "team-b")
    await door.say(logged(("churn", 1), workspace="team-b.1"))
    assert (await create(door, f"models:/{ID}", "team-b"))["version"] == "1"


async def test_a_path_of_the_run_that_made_it_is_taken(patient: Doors) -> None:
    """Whether or not the registry has heard of its experiment yet."""
    await patient.make("churn", versions=0)
    call = asyncio.ensure_future(create(patient, "/mlruns/1/r1/artifacts/model", run_id="r1"))
    await patient.say(filed("file:///mlruns/1"))
    async with asyncio.timeout(5):
        await call
    for source in (
        "file:///mlruns/1/r1/artifacts/",
        "file:/mlruns/1/r1/artifacts/a%20b",
        "/mlruns/1/r1/artifacts/a/../b",
    ):
        assert (await create(patient, source, run_id="r1"))["source"] == source
    uri = await patient.mlflow("GET", "model-versions/get-download-uri", {"name": "churn", "version": "1"})
    assert uri == {"artifact_uri": "/mlruns/1/r1/artifacts/model"}


@pytest.mark.parametrize(
    ("source", "run_id"),
    [
        ("/mlruns/1/r1/artifacts/model", None),
        ("/mlruns/1/r1/artifacts/model", "r2"),
        ("/mlruns/1/r1/artifacts/../../r2", "r1"),
        ("/mlruns/1/r1/artifacts-of-others", "r1"),
        ("/etc", "r1"),
        ("/etc/artifacts", "../../etc"),
        ("mlruns/1/r1/artifacts", "r1"),
        ("file:///elsewhere/r1/artifacts", "r1"),
    ],
)
async def test_every_other_path_is_refused(door: Doors, source: str, run_id: str | None) -> None:
    await door.make("churn", versions=0)
    await door.say(filed("/mlruns/1"))
    await known(door, LOCAL_EXPERIMENTS.name, "1")
    with pytest.raises(Refused, match="the run_id request parameter has to be specified") as refused:
        await create(door, source, **({"run_id": run_id} if run_id else {}))
    assert (refused.value.status, refused.value.code) == (400, "INVALID_PARAMETER_VALUE")


async def test_a_path_is_of_a_run_in_the_same_workspace(door: Doors) -> None:
    await door.make("churn", versions=0)
    await door.say(filed("/mlruns/1", workspace="team-b"))
    await known(door, LOCAL_EXPERIMENTS.name, "1")
    with pytest.raises(Refused, match="To use a local path"):
        await create(door, "/mlruns/1/r1/artifacts", run_id="r1")


async def test_a_path_may_be_of_the_logged_model(door: Doors) -> None:
    await door.make("churn", versions=0)
    await door.say(logged(("churn", 1), artifacts=f"/mlruns/1/models/{ID}/artifacts"))
    await create(door, f"file:///mlruns/1/models/{ID}/artifacts", model_id=ID)
    with pytest.raises(Refused, match="the model_id request parameter has to be specified"):
        await create(door, "file:///mlruns/1/models", model_id=ID)


async def test_runs_of_this_platforms_own_store_have_no_path(door: Doors) -> None:
    await door.make("churn", versions=0)
    await door.say(filed("mlflow-artifacts:/1"))
    await door.say(logged())
    await known(door, LOGGED_MODELS.name, ID)
    with pytest.raises(Refused, match="To use a local path"):
        await create(door, "/1/r1/artifacts", run_id="r1")
    with pytest.raises(Refused, match="To use a local path"):
        await create(door, f"/1/models/{ID}/artifacts", model_id=ID)
    assert await door.service.store.get(LOCAL_EXPERIMENTS.name, "1") is None
