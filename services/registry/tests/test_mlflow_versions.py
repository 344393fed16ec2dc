"""Versions, stages and aliases as MLflow's clients handle them."""

import pytest
from registry_doors import Doors, Refused


async def test_versions_are_numbered_and_a_number_never_comes_back(door: Doors) -> None:
    await door.make("churn", versions=2)
    await door.mlflow("DELETE", "model-versions/delete", {"name": "churn", "version": "2"})
    assert (await door.make_version("churn"))["version"] == "3"
    with pytest.raises(Refused, match=r"Model Version \(name=churn, version=2\) not found"):
        await door.version("churn", 2)


async def test_a_version_says_what_it_was_made_of(door: Doors) -> None:
    await door.make("churn", versions=0)
    made = await door.mlflow(
        "POST",
        "model-versions/create",
        {
            "name": "churn",
            "source": "mlflow-artifacts:/1/r1/artifacts/model",
            "run_id": "r1",
            "run_link": "https://ci/12",
            "description": "July",
            "tags": [{"key": "data", "value": "july"}],
        },
    )
    version = made["model_version"]
    assert version == await door.version("churn", 1)
    del version["creation_timestamp"], version["last_updated_timestamp"]
    assert version == {
        "name": "churn",
        "version": "1",
        "current_stage": "None",
        "description": "July",
        "source": "mlflow-artifacts:/1/r1/artifacts/model",
        "run_id": "r1",
        "run_link": "https://ci/12",
        "status": "READY",
        "tags": [{"key": "data", "value": "july"}],
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/etc/passwd", "To use a local path as a model version source"),
        ("model", "To use a local path as a model version source"),
        ("file:///tmp/model", "To use a local path as a model version source"),
        ("file://far.example.com/model", "is not a valid remote uri"),
        ("mlflow-artifacts://host:9000/models/../../../", "If supplying a source as an http, https,"),
        ("s3a://bucket/a/../../b", "If supplying a source as an http, https,"),
        ("mlflow-artifacts://host/models/..%252f..%252fartifacts", "If supplying a source as an http, https,"),
        ("mlflow-artifacts://host/models/artifact%00", "If supplying a source as an http, https,"),
        ("models:/churn", "Not a proper models:/ URI"),
        ("models:/nobody/1", "Registered Model with name=nobody not found"),
        ("models:/churn@nobody", "Registered model alias nobody not found"),
    ],
)
async def test_a_source_that_leads_elsewhere_than_it_says_is_refused(door: Doors, source: str, message: str) -> None:
    await door.make("churn", versions=1)
    with pytest.raises(Refused) as refused:
        await door.make_version("churn", source)
    assert message in refused.value.message
    assert refused.value.status in (400, 404)


@pytest.mark.parametrize(
    "source",
    [
        "runs:/r1/model",
        "mlflow-artifacts:/models///",
        "mlflow-artifacts:/models/foo///bar",
        "mlflow-artifacts://host:9000/models/artifact/..../",
        "s3://bucket/models",
    ],
)
async def test_sources_are_kept_as_they_were_given(door: Doors, source: str) -> None:
    await door.make("churn", versions=0)
    assert (await door.make_version("churn", source))["source"] == source
    uri = await door.mlflow("GET", "model-versions/get-download-uri", {"name": "churn", "version": "1"})
    assert uri == {"artifact_uri": source}


async def test_a_copy_leads_to_the_files_of_what_it_copies(door: Doors) -> None:
    await door.make("churn", versions=1)
    await door.mlflow("POST", "registered-models/alias", {"name": "churn", "alias": "champion", "version": "1"})
    await door.make("served", versions=0)
    body = {"name": "served", "source": "models:/churn@champion"}
    copied = (await door.mlflow("POST", "model-versions/create", body))["model_version"]
    assert (copied["source"], copied["run_id"]) == ("models:/churn/1", "r1")
    again = await door.make_version("served", "models:/served/latest")
    assert again["source"] == "models:/served/1"
    uri = await door.mlflow("GET", "model-versions/get-download-uri", {"name": "served", "version": "2"})
    assert uri == {"artifact_uri": "runs:/r1/model"}


async def test_a_copy_is_of_the_own_workspace(door: Doors) -> None:
    await door.make("churn", versions=1)
    await door.make("served", versions=0, workspace="other")
    with pytest.raises(Refused, match="Registered Model with name=churn not found"):
        await door.make_version("served", "models:/churn/1", workspace="other")


async def test_a_version_that_is_no_number_is_refused(door: Doors) -> None:
    await door.make("churn")
    with pytest.raises(Refused, match=r"Parameter 'version' must be an integer, got 'one'\."):
        await door.mlflow("GET", "model-versions/get", {"name": "churn", "version": "one"})


async def test_what_moves_the_date_of_a_model_and_what_does_not(door: Doors) -> None:
    await door.make("churn", versions=1)
    before = (await door.model("churn"))["last_updated_timestamp"]
    name = {"name": "churn", "version": "1"}
    await door.mlflow("PATCH", "model-versions/update", {**name, "description": "July"})
    await door.mlflow("POST", "model-versions/set-tag", {**name, "key": "data", "value": "july"})
    await door.mlflow("POST", "registered-models/alias", {**name, "alias": "champion"})
    await door.mlflow("POST", "registered-models/set-tag", {"name": "churn", "key": "team", "value": "growth"})
    assert (await door.model("churn"))["last_updated_timestamp"] == before
    version = await door.version("churn", 1)
    assert (version["description"], version["tags"]) == ("July", [{"key": "data", "value": "july"}])


async def test_stages_of_clients_versions_are_as_mlflow_has_them(door: Doors) -> None:
    """Any number may be in one stage; a transition may archive the others; the latest of each is asked for by stage."""
    await door.make("churn", versions=4)
    for version, stage in (("1", "production"), ("2", "Production"), ("3", "Staging")):
        await _to_stage(door, version, stage)
    assert await _latest(door) == {"Production": "2", "Staging": "3", "None": "4"}
    await _to_stage(door, "4", "Production", archive=True)
    assert await _latest(door) == {"Production": "4", "Staging": "3", "Archived": "2"}
    assert (await door.version("churn", 1))["current_stage"] == "Archived"
    found = await door.mlflow(
        "POST", "registered-models/get-latest-versions", {"name": "churn", "stages": ["staging", "None"]}
    )
    assert [version["version"] for version in found["model_versions"]] == ["3"]
    with pytest.raises(Refused, match=r"Invalid Model Version stage: bad. Value must be one of None, Staging, Prod"):
        await _to_stage(door, "1", "bad")
    with pytest.raises(Refused, match="cannot archive existing model versions because 'Archived' is not an Active"):
        await _to_stage(door, "1", "Archived", archive=True)


async def _to_stage(door: Doors, version: str, stage: str, *, archive: bool = False) -> None:
    body = {"name": "churn", "version": version, "stage": stage, "archive_existing_versions": archive}
    answer = await door.mlflow("POST", "model-versions/transition-stage", body)
    assert answer["model_version"]["current_stage"].lower() == stage.lower()


async def _latest(door: Doors) -> dict[str, str]:
    found = await door.mlflow("GET", "registered-models/get-latest-versions", {"name": "churn"})
    return {version["current_stage"]: version["version"] for version in found["model_versions"]}


async def test_an_alias_names_a_version_until_it_is_moved_or_taken_away(door: Doors) -> None:
    await door.make("churn", versions=2)
    for version in ("1", "2"):
        await door.mlflow("POST", "registered-models/alias", {"name": "churn", "alias": "champion", "version": version})
    named = await door.mlflow("GET", "registered-models/alias", {"name": "churn", "alias": "champion"})
    assert named["model_version"] == await door.version("churn", 2)
    assert named["model_version"]["aliases"] == ["champion"]
    assert "aliases" not in await door.version("churn", 1)
    for _ in range(2):
        await door.mlflow("DELETE", "registered-models/alias", {"name": "churn", "alias": "champion"})
    with pytest.raises(Refused, match=r"Registered model alias champion not found\.") as refused:
        await door.mlflow("GET", "registered-models/alias", {"name": "churn", "alias": "champion"})
    assert refused.value.code == "INVALID_PARAMETER_VALUE"
    latest = await door.mlflow("GET", "registered-models/alias", {"name": "churn", "alias": "latest"})
    assert latest["model_version"]["version"] == "2"


async def test_aliases_go_with_the_version_that_they_name(door: Doors) -> None:
    await door.make("churn", versions=2)
    await door.mlflow("POST", "registered-models/alias", {"name": "churn", "alias": "champion", "version": "2"})
    await door.mlflow("DELETE", "model-versions/delete", {"name": "churn", "version": "2"})
    assert "aliases" not in await door.model("churn")


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        ("", "Missing value for required parameter 'alias'"),
        ("a b", "Invalid alias name: 'a b'. Names may only contain alphanumerics, underscores (_), and dashes (-)."),
        ("latest", "'latest' alias name (case insensitive) is reserved."),
        ("v3", "Version alias name 'v3' is reserved."),
        ("a" * 256, "'Registered model alias name' exceeds the maximum length of 255 characters"),
    ],
)
async def test_an_alias_that_would_be_taken_for_something_else_is_refused(
    door: Doors, alias: str, message: str
) -> None:
    await door.make("churn", versions=1)
    with pytest.raises(Refused) as refused:
        await door.mlflow("POST", "registered-models/alias", {"name": "churn", "alias": alias, "version": "1"})
    assert message in refused.value.message


async def test_an_alias_names_only_what_is_there(door: Doors) -> None:
    await door.make("churn", versions=1)
    with pytest.raises(Refused, match=r"Model Version \(name=churn, version=9\) not found") as refused:
        await door.mlflow("POST", "registered-models/alias", {"name": "churn", "alias": "champion", "version": "9"})
    assert refused.value.status == 404
