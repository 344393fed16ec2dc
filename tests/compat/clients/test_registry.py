"""Registered models, their versions, aliases, stages and tags, by the client."""

import time

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from rest import Rest

SOURCE = "s3://models/somewhere"


@pytest.fixture
def model(client: MlflowClient, unique: str) -> str:
    """A registered model of the test's own with no version."""
    name = f"model {unique}"
    client.create_registered_model(name)
    return name


def test_a_model_is_registered_described_and_tagged(client: MlflowClient, unique: str) -> None:
    before = time.time() * 1000 - 60_000
    made = client.create_registered_model(f"m {unique}", tags={"a": "1", "b": ""}, description="what it is for")
    assert (made.name, made.tags, made.description) == (f"m {unique}", {"a": "1", "b": ""}, "what it is for")
    assert made.creation_timestamp == made.last_updated_timestamp > before
    client.set_registered_model_tag(made.name, "a", 2)
    client.delete_registered_model_tag(made.name, "b")
    client.delete_registered_model_tag(made.name, "never there")
    time.sleep(0.002)
    client.update_registered_model(made.name, "something else")
    found = client.get_registered_model(made.name)
    assert (found.tags, found.description, found.latest_versions) == ({"a": "2"}, "something else", [])
    assert found.last_updated_timestamp > found.creation_timestamp


def test_a_name_is_taken_once_until_it_is_deleted(client: MlflowClient, model: str) -> None:
    with pytest.raises(MlflowException, match=r"RESOURCE_ALREADY_EXISTS: Registered Model .+ already exists"):
        client.create_registered_model(model)
    client.create_model_version(model, SOURCE)
    client.delete_registered_model(model)
    for call in (client.get_registered_model, client.delete_registered_model):
        with pytest.raises(MlflowException, match=f"Registered Model with name={model} not found"):
            call(model)
    with pytest.raises(MlflowException, match="not found"):
        client.get_model_version(model, "1")
    client.create_registered_model(model)
    assert client.get_registered_model(model).latest_versions == []
    assert client.create_model_version(model, SOURCE).version == "1"


def test_a_renamed_model_takes_its_versions_along(client: MlflowClient, model: str, unique: str) -> None:
    client.create_model_version(model, SOURCE, tags={"t": "1"})
    client.set_registered_model_alias(model, "champion", "1")
    taken = client.create_registered_model(f"taken {unique}").name
    with pytest.raises(MlflowException, match=r"Registered Model .+ already exists"):
        client.rename_registered_model(model, taken)
    client.rename_registered_model(model, f"new {unique}")
    found = client.get_model_version(f"new {unique}", "1")
    assert (found.tags, found.aliases, found.source) == ({"t": "1"}, ["champion"], SOURCE)
    with pytest.raises(MlflowException, match=f"Registered Model with name={model} not found"):
        client.get_registered_model(model)


def test_versions_count_up_and_no_number_comes_twice(client: MlflowClient, model: str, run: str) -> None:
    one = client.create_model_version(model, SOURCE, run_id=run, tags={"t": 1}, description="first")
    assert (one.version, one.run_id, one.tags, one.description) == ("1", run, {"t": "1"}, "first")
    assert (one.current_stage, one.status, one.source) == ("None", "READY", SOURCE)
    two = client.create_model_version(model, f"{SOURCE}/2")
    assert client.get_registered_model(model).latest_versions == [client.get_model_version(model, "2")]
    assert client.get_model_version_download_uri(model, two.version) == f"{SOURCE}/2"
    client.delete_model_version(model, "2")
    for call in (client.get_model_version, client.delete_model_version, client.get_model_version_download_uri):
        with pytest.raises(MlflowException, match=rf"Model Version \(name={model}, version=2\) not found"):
            call(model, "2")
    assert client.create_model_version(model, SOURCE).version == "3"


def test_a_version_is_described_and_tagged(client: MlflowClient, model: str) -> None:
    client.create_model_version(model, SOURCE)
    client.update_model_version(model, "1", "good")
    client.set_model_version_tag(model, "1", "a", "")
    client.set_model_version_tag(model, "1", "b", "2")
    client.delete_model_version_tag(model, "1", "b")
    found = client.get_model_version(model, "1")
    assert (found.description, found.tags) == ("good", {"a": ""})
    with pytest.raises(MlflowException, match="not found"):
        client.set_model_version_tag(model, "9", "a", "1")


def test_an_alias_names_one_version_at_a_time(client: MlflowClient, model: str) -> None:
    for _ in range(2):
        client.create_model_version(model, SOURCE)
    client.set_registered_model_alias(model, "champion", "1")
    client.set_registered_model_alias(model, "a-b_c", "1")
    client.set_registered_model_alias(model, "champion", "2")
    assert client.get_registered_model(model).aliases == {"champion": "2", "a-b_c": "1"}
    assert client.get_model_version_by_alias(model, "champion") == client.get_model_version(model, "2")
    assert client.get_model_version(model, "1").aliases == ["a-b_c"]
    client.delete_registered_model_alias(model, "champion")
    client.delete_registered_model_alias(model, "champion")
    with pytest.raises(MlflowException, match="INVALID_PARAMETER_VALUE: Registered model alias champion not found"):
        client.get_model_version_by_alias(model, "champion")
    client.delete_model_version(model, "1")
    assert client.get_registered_model(model).aliases == {}


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        ("latest", "'latest' alias name (case insensitive) is reserved"),
        ("LATEST", "is reserved"),
        ("v3", "Version alias name 'v3' is reserved"),
        ("a b", "Invalid alias name: 'a b'"),
        ("a" * 256, "exceeds the maximum length of 255 characters"),
    ],
)
def test_an_alias_that_would_mislead_is_refused(client: MlflowClient, model: str, alias: str, message: str) -> None:
    client.create_model_version(model, SOURCE)
    with pytest.raises(MlflowException) as refused:
        client.set_registered_model_alias(model, alias, "1")
    assert message in str(refused.value)
    assert client.get_registered_model(model).aliases == {}


def test_a_stage_has_one_latest_version(client: MlflowClient, model: str) -> None:
    for stage in ("Archived", "Production", "production", "Staging", "None"):
        made = client.create_model_version(model, SOURCE).version
        client.transition_model_version_stage(model, made, stage)

    def latest(stages: list[str] | None) -> dict[str, str]:
        return {found.current_stage: found.version for found in client.get_latest_versions(model, stages)}

    whole = {"Archived": "1", "Production": "3", "Staging": "4", "None": "5"}
    assert latest(None) == latest([]) == whole
    assert latest(["PRODUCTION", "None"]) == {"Production": "3", "None": "5"}
    assert {found.version for found in client.get_registered_model(model).latest_versions} == set(whole.values())
    client.transition_model_version_stage(model, "5", "Production", archive_existing_versions=True)
    assert latest(None) == {"Production": "5", "Staging": "4", "Archived": "3"}
    with pytest.raises(MlflowException, match="Invalid Model Version stage: Nowhere"):
        client.transition_model_version_stage(model, "5", "Nowhere")
    with pytest.raises(MlflowException, match="Invalid Model Version stage"):
        latest(["Nowhere"])


def test_a_version_is_copied_with_what_is_known_of_it(client: MlflowClient, model: str, unique: str, run: str) -> None:
    client.create_model_version(model, SOURCE, run_id=run, description="dummy", tags={"hello": "world"})
    client.set_registered_model_alias(model, "champion", "1")
    copied = client.copy_model_version(f"models:/{model}@champion", f"copy {unique}")
    assert (copied.version, copied.name, copied.source) == ("1", f"copy {unique}", f"models:/{model}/1")
    assert (copied.description, copied.tags, copied.run_id) == ("dummy", {"hello": "world"}, run)
    assert client.get_model_version_download_uri(copied.name, "1") == SOURCE


@pytest.mark.parametrize(
    "source",
    [
        "s3://bucket/models/../../secret",
        "mlflow-artifacts:/models/..%2f..%2fsecret",
        "mlflow-artifacts:/models/secret%00",
        "/etc",
        "file:///etc",
    ],
)
def test_a_source_that_leads_out_is_refused(client: MlflowClient, model: str, source: str) -> None:
    with pytest.raises(MlflowException, match="INVALID_PARAMETER_VALUE: Invalid model version source"):
        client.create_model_version(model, source)
    assert client.get_registered_model(model).latest_versions == []


def test_what_is_no_model_or_version_is_refused(rest: Rest, model: str) -> None:
    for name in ("a/b", "a:b"):
        assert "Names cannot contain '/' or ':'" in rest.refused("registered-models/create", name=name)[1]
    assert "Missing value for required parameter 'name'" in rest.refused("registered-models/create", name=" ")[1]
    assert "'new_name'" in rest.refused("registered-models/rename", name=model)[1]
    assert "'source'" in rest.refused("model-versions/create", name=model)[1]
    unknown = rest.refused("model-versions/create", http=404, name="nobody", source=SOURCE)
    assert unknown == ("RESOURCE_DOES_NOT_EXIST", "Registered Model with name=nobody not found")
    code, message = rest.refused("model-versions/get", method="GET", name=model, version="one")
    assert (code, message) == ("INVALID_PARAMETER_VALUE", "Parameter 'version' must be an integer, got 'one'.")
    long = rest.refused("registered-models/set-tag", name=model, key="k" * 251, value="1")[1]
    assert "exceeds the maximum length of 250 characters" in long
