"""Logged models, which MLflow has since its version 3."""

import time
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from rest import Rest

pytestmark = pytest.mark.client_3


def test_a_logged_model_is_pending_until_it_is_finalized(client: MlflowClient, experiment: str, run: str) -> None:
    made = client.create_logged_model(
        experiment, name="forest", source_run_id=run, tags={"a": "1"}, params={"depth": "3"}, model_type="agent"
    )
    assert made.model_id.startswith("m-")
    assert made.artifact_location.endswith(f"/models/{made.model_id}/artifacts")
    assert str(made.status) == "PENDING"
    client.finalize_logged_model(made.model_id, "READY")
    client.log_model_params(made.model_id, {"eta": "0.1"})
    found = client.get_logged_model(made.model_id)
    assert (found.name, found.source_run_id, found.model_type, str(found.status)) == ("forest", run, "agent", "READY")
    assert (found.tags, found.params) == ({"a": "1"}, {"depth": "3", "eta": "0.1"})
    assert found.last_updated_timestamp >= found.creation_timestamp


def test_tags_of_a_logged_model_are_set_and_deleted(client: MlflowClient, experiment: str) -> None:
    made = client.create_logged_model(experiment).model_id
    client.set_logged_model_tags(made, {"a": "1", "b c": "2"})
    client.set_logged_model_tags(made, {"a": "3"})
    client.delete_logged_model_tag(made, "b c")
    assert client.get_logged_model(made).tags == {"a": "3"}
    with pytest.raises(MlflowException, match="No tag with key 'b c' found for model"):
        client.delete_logged_model_tag(made, "b c")


def test_a_deleted_model_is_found_no_more(client: MlflowClient, experiment: str) -> None:
    made = client.create_logged_model(experiment).model_id
    client.delete_logged_model(made)
    with pytest.raises(MlflowException, match=f"Logged model with ID '{made}' not found"):
        client.get_logged_model(made)
    assert client.search_logged_models([experiment]) == []


def test_models_are_searched(client: MlflowClient, experiment: str) -> None:
    made = {}
    for name, depth, auc in (("a", "3", 0.7), ("b", "5", 0.9)):
        model = client.create_logged_model(experiment, name=name, params={"depth": depth}, tags={"team": f"t {name}"})
        run = client.create_run(experiment).info.run_id
        client.log_metric(run, "auc", auc, model_id=model.model_id, dataset_name="d", dataset_digest=name)
        made[name] = model.model_id
        time.sleep(0.002)

    def names(text: str | None = None, **options: object) -> str:
        found = client.search_logged_models([experiment], filter_string=text, **options)
        return "".join(model.name for model in found)

    assert names() == "ba"
    assert names("name = 'a'") == "a"
    assert names("metrics.auc > 0.8") == "b"
    assert names("params.depth = '3' AND tags.team LIKE 't%'") == "a"
    assert names(order_by=[{"field_name": "metrics.auc", "ascending": True}]) == "ab"
    assert names(order_by=[{"field_name": "creation_timestamp", "ascending": False}]) == "ba"
    assert names(datasets=[{"dataset_name": "d", "dataset_digest": "a"}]) == "a"
    assert names(datasets=[{"dataset_name": "nothing"}]) == ""
    first = client.search_logged_models([experiment], max_results=1)
    second = client.search_logged_models([experiment], max_results=1, page_token=first.token)
    assert [model.name for model in [*first, *second]] == ["b", "a"]
    assert second.token is None
    with pytest.raises(MlflowException, match="in the page token"):
        client.search_logged_models([experiment], filter_string="name = 'a'", page_token=first.token)
    with pytest.raises(MlflowException, match="Invalid entity type: 'foo'"):
        names("foo.x = 1")
    with pytest.raises(MlflowException, match="Invalid order by field name: nothing"):
        names(order_by=[{"field_name": "nothing"}])


def test_outputs_and_inputs_join_runs_and_models(client: MlflowClient, experiment: str, run: str) -> None:
    entities = mlflow.entities  # the 2.22 client has neither class
    made = client.create_logged_model(experiment).model_id
    client.log_outputs(run, [entities.LoggedModelOutput(made, 3)])
    client.log_inputs(run, models=[entities.LoggedModelInput(made)])
    found = client.get_run(run)
    assert [(output.model_id, output.step) for output in found.outputs.model_outputs] == [(made, 3)]
    assert [given.model_id for given in found.inputs.model_inputs] == [made]
    (searched,) = client.search_runs([experiment])
    assert [output.model_id for output in searched.outputs.model_outputs] == [made]


def test_the_files_of_a_model_are_listed_and_read(
    client: MlflowClient, rest: Rest, experiment: str, tmp_path: Path
) -> None:
    model = mlflow.initialize_logged_model(name="m", experiment_id=experiment)
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.txt").write_text("hello")
    client.log_model_artifacts(model.model_id, str(folder))
    listed = rest.get(f"logged-models/{model.model_id}/artifacts/directories")
    assert [entry["path"] for entry in listed["files"]] == ["a.txt"]
    path = f"/ajax-api/2.0/mlflow/logged-models/{model.model_id}/artifacts/files"
    assert rest("GET", path, params={"artifact_file_path": "a.txt"}).text == "hello"
    assert rest.refused(path, method="GET", artifact_file_path="../a.txt")[1] == "Invalid path"


def test_what_is_no_model_is_refused(rest: Rest, experiment: str) -> None:
    assert rest.refused("logged-models/m-nobody", method="GET", http=404) == (
        "RESOURCE_DOES_NOT_EXIST",
        "Logged model with ID 'm-nobody' not found.",
    )
    for name in ("a/b", "a:b", "a.b", "50%", "it's"):
        message = rest.refused("logged-models", experiment_id=experiment, name=name)[1]
        assert "cannot contain the following characters" in message
    assert "'experiment_id'" in rest.refused("logged-models", name="x")[1]
