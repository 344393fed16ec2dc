"""What the registry makes of a logged model is noted on it, in MLflow's tag, and told on."""

import json
from pathlib import Path

import pytest
from client_calls import Client, Running
from test_client_rebuild import model_in, on_the_broker, rebuilt
from test_rebuild import opened

from murmur_events import from_record
from murmur_events.experiments import ModelLogged
from murmur_events.registry import VersionChanged
from murmur_kernel.testing import eventually
from murmur_tracking.domain.logged_models import with_version

TAG = "mlflow.modelVersions"


async def _logged(client: Client) -> str:
    model_id: str = (await client.did("/logged-models", experiment_id="0"))["model"]["info"]["model_id"]
    return model_id


async def _tag(client: Client, model_id: str) -> str | None:
    _, body = await client.get(f"/logged-models/{model_id}")
    return {tag["key"]: tag["value"] for tag in body["model"]["info"].get("tags", [])}.get(TAG)


def version_of(model_id: str | None, version: int = 1, **more: object) -> VersionChanged:
    facts = {"workspace": "default", "by": "ada", "reason": "", "via": "mlflow", "stage": "None", **more}
    return VersionChanged.model_validate(
        {"model": "churn", "name": "churn", "version": version, "logged_model": model_id, **facts}
    )


async def test_each_version_is_noted_once_and_told_on(running: Running) -> None:
    client = running.client
    model_id = await _logged(client)
    for version in (1, 1, 2):
        await running.says(version_of(model_id, version))

    async def noted() -> bool:
        return await _tag(client, model_id) == '[{"name": "churn", "version": 1}, {"name": "churn", "version": 2}]'

    await eventually(noted)

    def told() -> bool:
        said = [from_record(one.topic, one.value, one.headers).event for one in running.heard("model.logged")]
        return [one.tags.get(TAG, "[]").count("churn") for one in said if isinstance(one, ModelLogged)] == [0, 1, 2]

    await eventually(told)


async def test_what_is_no_business_of_a_logged_model_is_not_noted(running: Running) -> None:
    client = running.client
    model_id = await _logged(client)
    await running.says(version_of(None))
    await running.says(version_of("m-unknown"))
    await running.says(version_of(model_id, 2, workspace="other"))
    await running.says(version_of(model_id, 3, deleted=True))
    await running.says(version_of(model_id, 4))

    async def noted() -> bool:
        return await _tag(client, model_id) == '[{"name": "churn", "version": 4}]'

    await eventually(noted)


async def test_a_logged_model_of_a_dropped_workspace_is_not_touched(running: Running) -> None:
    team = running.client.in_workspace("team-b")
    before = await _logged(team)
    await running.client.ours("DELETE", "/workspaces/team-b")
    after = await _logged(team)
    await running.says(version_of(before, workspace="team-b"))
    await running.says(version_of(after, workspace="team-b"))

    async def noted() -> bool:
        return await _tag(team, after) == '[{"name": "churn", "version": 1}]'

    await eventually(noted)
    said = [from_record(one.topic, one.value, one.headers).event for one in running.heard("model.logged")]
    assert not [one for one in said if isinstance(one, ModelLogged) and one.model_id == before and TAG in one.tags]


@pytest.mark.parametrize("listed", ["", "nonsense", '{"name": "churn"}'])
def test_what_is_no_list_begins_anew(listed: str) -> None:
    assert json.loads(with_version(listed, "churn", 1)) == [{"name": "churn", "version": 1}]


async def test_a_rebuild_knows_what_was_noted(running: Running, tmp_path: Path) -> None:
    """Though it does not hear what the registry said: tracking has said it again."""
    model_id = await _logged(running.client)
    await running.says(version_of(model_id))

    async def noted() -> bool:
        return await _tag(running.client, model_id) is not None

    await eventually(noted)
    told = await on_the_broker(running)
    before = await model_in(running.service.store, model_id)
    async with opened(tmp_path / "rebuilt.db") as store:
        await rebuilt(store, [record for records in told.values() for record in records])
        assert await model_in(store, model_id) == before
