"""Experiments by the client: made, found, renamed, deleted and brought back."""

import time

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from rest import Rest


def test_an_experiment_is_found_by_id_and_by_name(client: MlflowClient, unique: str) -> None:
    made = client.create_experiment(f"e {unique}", tags={"team": "climate", "empty": ""})

    for found in (client.get_experiment(made), client.get_experiment_by_name(f"e {unique}")):
        assert (found.experiment_id, found.name, found.lifecycle_stage) == (made, f"e {unique}", "active")
        assert found.tags == {"team": "climate", "empty": ""}
        assert found.creation_time == found.last_update_time > 1_600_000_000_000
    assert made.isdecimal()


def test_set_experiment_makes_what_is_missing_and_finds_what_is_there(unique: str) -> None:
    first = mlflow.set_experiment(f"e {unique}")
    assert mlflow.set_experiment(f"e {unique}").experiment_id == first.experiment_id


def test_the_default_experiment_takes_runs_of_those_who_name_none(client: MlflowClient) -> None:
    with mlflow.start_run() as run:
        pass
    default = client.get_experiment(run.info.experiment_id)
    assert default.name == "Default"
    assert client.get_experiment("0").experiment_id == default.experiment_id


def test_a_name_is_taken_once_even_by_what_is_deleted(client: MlflowClient, unique: str) -> None:
    made = client.create_experiment(f"e {unique}")
    with pytest.raises(MlflowException, match=r"RESOURCE_ALREADY_EXISTS.*already exists"):
        client.create_experiment(f"e {unique}")
    client.delete_experiment(made)
    with pytest.raises(MlflowException, match="already exists"):
        client.create_experiment(f"e {unique}")
    with pytest.raises(MlflowException, match="Cannot set a deleted experiment"):
        mlflow.set_experiment(f"e {unique}")


def test_deleting_takes_the_runs_along_and_restoring_brings_them_back(client: MlflowClient, experiment: str) -> None:
    run = client.create_run(experiment).info.run_id

    client.delete_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    with pytest.raises(MlflowException, match=rf"The experiment {experiment} must be in the 'active' state"):
        client.create_run(experiment)
    with pytest.raises(MlflowException, match=f"No Experiment with id={experiment} exists"):
        client.delete_experiment(experiment)

    client.restore_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "active"
    assert client.get_run(run).info.lifecycle_stage == "active"
    with pytest.raises(MlflowException, match=f"No Experiment with id={experiment} exists"):
        client.restore_experiment(experiment)


def test_a_renamed_experiment_is_no_longer_found_by_its_old_name(client: MlflowClient, unique: str) -> None:
    made = client.create_experiment(f"e {unique}")
    other = client.create_experiment(f"other {unique}")
    client.rename_experiment(made, f"new {unique}")
    assert client.get_experiment_by_name(f"e {unique}") is None
    assert client.get_experiment_by_name(f"new {unique}").experiment_id == made
    with pytest.raises(MlflowException):
        client.rename_experiment(other, f"new {unique}")
    assert client.get_experiment(other).name == f"other {unique}"


def test_a_tag_of_an_experiment_is_set_overwritten_and_kept_apart(client: MlflowClient, unique: str) -> None:
    one, other = client.create_experiment(f"e {unique}"), client.create_experiment(f"f {unique}")
    client.set_experiment_tag(one, "note", "first")
    client.set_experiment_tag(one, "note", "two\nlines")
    client.set_experiment_tag(other, "note", "other")
    assert client.get_experiment(one).tags == {"note": "two\nlines"}
    assert client.get_experiment(other).tags == {"note": "other"}


@pytest.mark.client_3
def test_a_tag_of_an_experiment_is_deleted_once(client: MlflowClient, experiment: str) -> None:
    client.set_experiment_tag(experiment, "note", "x")
    client.delete_experiment_tag(experiment, "note")
    assert "note" not in client.get_experiment(experiment).tags
    with pytest.raises(MlflowException, match=f"No tag with name: note in experiment with id {experiment}"):
        client.delete_experiment_tag(experiment, "note")


def test_experiments_are_searched_by_name_tag_and_stage(client: MlflowClient, unique: str) -> None:
    made = {}
    for name, tags in (("a", {unique: "value"}), ("ab", {unique: "vaLue"}), ("Abc", {})):
        made[name] = client.create_experiment(f"{name} {unique}", tags=tags)
        time.sleep(0.002)  # the order is that of creation, in milliseconds

    def names(text: str, **options: object) -> list[str]:
        found = client.search_experiments(filter_string=f"name LIKE '%{unique}' AND {text}", **options)
        return [experiment.name.split()[0] for experiment in found]

    assert names("name LIKE 'a%'") == ["ab", "a"]
    assert names("name ILIKE 'a%'") == ["Abc", "ab", "a"]
    assert names(f"name != 'a {unique}'") == ["Abc", "ab"]
    assert names(f"tags.`{unique}` = 'value'") == ["a"]
    assert names(f"tags.`{unique}` != 'value'") == ["ab"]
    assert names(f"tags.`{unique}` ILIKE 'VAL%'") == ["ab", "a"]
    assert names("name LIKE '%'", order_by=["name DESC"]) == ["ab", "a", "Abc"]
    client.delete_experiment(made["ab"])
    assert names("name LIKE '%'") == ["Abc", "a"]
    assert names("name LIKE '%'", view_type=ViewType.DELETED_ONLY) == ["ab"]
    assert names("name LIKE '%'", view_type=ViewType.ALL) == ["Abc", "ab", "a"]


def test_pages_of_experiments_join_to_the_whole(client: MlflowClient, unique: str) -> None:
    made = [client.create_experiment(f"{number} {unique}") for number in range(5)]
    found, token = [], None
    for expected in (2, 2, 1):
        page = client.search_experiments(
            filter_string=f"name LIKE '%{unique}'", max_results=2, order_by=["name ASC"], page_token=token
        )
        assert len(page) == expected
        found += [experiment.experiment_id for experiment in page]
        token = page.token
    assert found == made
    assert not token


@pytest.mark.parametrize(
    ("filter_string", "message"),
    [
        ("nome = 'x'", "Invalid attribute key 'nome'"),
        ("metrics.x = 1", "Invalid entity type 'metrics'"),
        ("name = x", "quote"),
        ("name =", "Invalid"),
    ],
)
def test_a_wrong_filter_is_refused(client: MlflowClient, filter_string: str, message: str) -> None:
    with pytest.raises(MlflowException, match=f"INVALID_PARAMETER_VALUE.*{message}"):
        client.search_experiments(filter_string=filter_string)


def test_what_is_no_experiment_is_refused(rest: Rest, unique: str) -> None:
    unknown = "987654321"
    for path in ("experiments/delete", "experiments/restore"):
        assert rest.refused(path, http=404, experiment_id=unknown)[0] == "RESOURCE_DOES_NOT_EXIST"
    code, message = rest.refused("experiments/get", method="GET", http=404, experiment_id=unknown)
    assert (code, message) == ("RESOURCE_DOES_NOT_EXIST", f"No Experiment with id={unknown} exists")
    code, message = rest.refused("experiments/get-by-name", method="GET", http=404, experiment_name=unique)
    assert (code, message) == ("RESOURCE_DOES_NOT_EXIST", f"Could not find experiment with name '{unique}'")
    assert "Invalid experiment ID 'x y'" in rest.refused("experiments/get", method="GET", experiment_id="x y")[1]
    assert "exceeds the maximum length of 500 characters" in rest.refused("experiments/create", name="n" * 501)[1]
    assert "'experiment_id'" in rest.refused("experiments/get", method="GET")[1]
    assert "'new_name'" in rest.refused("experiments/update", experiment_id="0")[1]
    assert (
        "Artifact location cannot be a runs:/ URI"
        in rest.refused("experiments/create", name=unique, artifact_location="runs:/x")[1]
    )
