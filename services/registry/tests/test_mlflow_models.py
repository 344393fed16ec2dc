"""Registered models as MLflow's clients make, describe, tag, rename and delete them."""

import pytest
from registry_doors import Doors, Refused


async def test_a_model_is_made_and_read_back(door: Doors) -> None:
    made = await door.mlflow(
        "POST",
        "registered-models/create",
        {"name": "churn", "description": "who leaves", "tags": [{"key": "team", "value": "growth"}, {"key": "empty"}]},
    )
    model = await door.model("churn")
    assert made["registered_model"] == model
    assert model["description"] == "who leaves"
    assert model["tags"] == [{"key": "team", "value": "growth"}, {"key": "empty", "value": ""}]
    assert model["creation_timestamp"] == model["last_updated_timestamp"] > 1_600_000_000_000
    assert "latest_versions" not in model
    assert "aliases" not in model


async def test_a_name_is_taken_once(door: Doors) -> None:
    await door.make("churn", versions=0)
    with pytest.raises(Refused, match=r"Registered Model \(name=churn\) already exists\.") as refused:
        await door.make("churn", versions=0)
    assert (refused.value.status, refused.value.code) == (400, "RESOURCE_ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Missing value for required parameter 'name'."),
        ({"name": ""}, "Missing value for required parameter 'name'."),
        ({"name": None}, "Missing value for required parameter 'name'."),
        ({"name": 5}, "Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'."),
        ({"name": "a/b"}, "Invalid model name 'a/b'. Names cannot contain '/' or ':'."),
        ({"name": ".."}, "must not resolve to other names"),
        ({"name": "n" * 257}, "'name' exceeds the maximum length of 256 characters"),
        ({"name": "m", "tags": "t"}, "Invalid value \"t\" for parameter 'tags' supplied"),
        ({"name": "m", "tags": [{"value": "v"}]}, "Missing value for required parameter 'tags[0].key'."),
        ({"name": "m", "tags": [{"key": "k" * 251, "value": "v"}]}, "'key' exceeds the maximum length of 250"),
        ({"name": "m", "tags": [{"key": "k", "value": "v" * 100_001}]}, "'value' exceeds the maximum length of 100000"),
        ({"name": "m", "tags": [{"key": "a!", "value": "v"}]}, "Names may only contain alphanumerics"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_name(door: Doors, body: dict[str, object], message: str) -> None:
    with pytest.raises(Refused) as refused:
        await door.mlflow("POST", "registered-models/create", body)
    assert (refused.value.status, refused.value.code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in refused.value.message


async def test_a_description_is_changed_and_left_out_is_emptied(door: Doors) -> None:
    await door.make("churn", versions=0)
    await door.mlflow("PATCH", "registered-models/update", {"name": "churn", "description": "who leaves"})
    assert (await door.model("churn"))["description"] == "who leaves"
    await door.mlflow("PATCH", "registered-models/update", {"name": "churn"})
    assert "description" not in await door.model("churn")


async def test_tags_are_set_and_taken_away(door: Doors) -> None:
    await door.make("churn", versions=0)
    await door.mlflow("POST", "registered-models/set-tag", {"name": "churn", "key": "team", "value": "growth"})
    await door.mlflow("POST", "registered-models/set-tag", {"name": "churn", "key": "empty"})
    await door.mlflow("DELETE", "registered-models/delete-tag", {"name": "churn", "key": "team"})
    await door.mlflow("DELETE", "registered-models/delete-tag", {"name": "churn", "key": "never there"})
    assert (await door.model("churn"))["tags"] == [{"key": "empty", "value": ""}]


async def test_a_renamed_model_takes_its_versions_and_aliases_along(door: Doors) -> None:
    await door.make("churn", versions=2)
    await door.mlflow("POST", "registered-models/alias", {"name": "churn", "alias": "champion", "version": "2"})
    answer = await door.mlflow("POST", "registered-models/rename", {"name": "churn", "new_name": "leavers"})
    model = answer["registered_model"]
    assert model == await door.model("leavers")
    assert model["aliases"] == [{"alias": "champion", "version": "2"}]
    assert [version["version"] for version in model["latest_versions"]] == ["2"]
    assert (await door.version("leavers", 2))["name"] == "leavers"
    with pytest.raises(Refused, match="Registered Model with name=churn not found") as refused:
        await door.model("churn")
    assert (refused.value.status, refused.value.code) == (404, "RESOURCE_DOES_NOT_EXIST")
    with pytest.raises(Refused, match="not found"):
        await door.version("churn", 1)
    assert (await door.make_version("leavers"))["version"] == "3"
    await door.make("churn", versions=1)
    assert (await door.version("churn", 1))["version"] == "1"
    assert len((await door.mlflow("GET", "model-versions/search"))["model_versions"]) == 4


async def test_a_name_that_is_taken_is_no_new_name(door: Doors) -> None:
    await door.make("churn", versions=1)
    await door.make("leavers", versions=0)
    with pytest.raises(Refused, match=r"Registered Model \(name=leavers\) already exists"):
        await door.mlflow("POST", "registered-models/rename", {"name": "churn", "new_name": "leavers"})
    with pytest.raises(Refused, match="'new_name'"):
        await door.mlflow("POST", "registered-models/rename", {"name": "churn"})
    assert (await door.version("churn", 1))["version"] == "1"


async def test_what_was_deleted_is_gone_and_its_name_free(door: Doors) -> None:
    await door.make("churn", versions=2)
    await door.mlflow("POST", "registered-models/alias", {"name": "churn", "alias": "champion", "version": "2"})
    await door.mlflow("DELETE", "registered-models/delete", {"name": "churn"})
    for path in ("registered-models/get", "registered-models/get-latest-versions"):
        with pytest.raises(Refused, match="Registered Model with name=churn not found"):
            await door.mlflow("GET", path, {"name": "churn"})
    with pytest.raises(Refused, match=r"Model Version \(name=churn, version=1\) not found"):
        await door.version("churn", 1)
    assert await door.mlflow("GET", "model-versions/search") == {}
    assert await door.mlflow("GET", "registered-models/search") == {}
    await door.make("churn", versions=1)
    model = await door.model("churn")
    assert [version["version"] for version in model["latest_versions"]] == ["1"]
    assert "aliases" not in model
    with pytest.raises(Refused, match="not found"):
        await door.version("churn", 2)


async def test_workspaces_know_nothing_of_each_other(door: Doors) -> None:
    await door.make("churn", versions=1)
    await door.make("churn", versions=2, workspace="vision-team")
    assert (await door.make_version("churn", workspace="vision-team"))["version"] == "3"
    assert (await door.make_version("churn"))["version"] == "2"
    await door.mlflow("DELETE", "registered-models/delete", {"name": "churn"})
    assert (await door.model("churn", workspace="vision-team"))["name"] == "churn"
    found = await door.mlflow("GET", "model-versions/search", {"filter": "name = 'churn'"}, workspace="vision-team")
    assert [version["version"] for version in found["model_versions"]] == ["3", "2", "1"]
    assert await door.mlflow("GET", "model-versions/search", {"filter": "run_id = 'r1'"}) == {}
    with pytest.raises(Refused, match="is no name of a workspace") as refused:
        await door.model("churn", workspace="Vision/Team")
    assert refused.value.status == 400


async def test_both_addresses_of_the_door_and_both_spellings_of_a_field(door: Doors) -> None:
    await door.make("churn", versions=0)
    body = {"name": "churn", "newName": "leavers"}
    response = await door.http.post("/ajax-api/2.0/mlflow/registered-models/rename", json=body)
    assert response.json()["registered_model"]["name"] == "leavers"
    with pytest.raises(Refused, match="specifies both 'new_name' and 'newName'"):
        await door.mlflow("POST", "registered-models/rename", {**body, "new_name": "x"})


async def test_a_body_that_is_no_json_is_refused_in_words_and_not_by_a_fault(door: Doors) -> None:
    url = "/api/2.0/mlflow/registered-models/create"
    json = {"Content-Type": "application/json"}
    broken = await door.http.post(url, content=b'{"name": ', headers=json)
    assert (broken.status_code, broken.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    form = await door.http.post(url, content=b"name=churn", headers={"Content-Type": "text/plain"})
    assert "Content-Type must be one of ['application/json']" in form.json()["message"]
    twice = await door.http.post(url, content=b'"{\\"name\\": \\"churn\\"}"', headers=json)
    assert twice.json()["registered_model"]["name"] == "churn"
