"""Runs by the client: begun, nested, resumed, ended, named, deleted and brought back."""

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from rest import Rest


@pytest.mark.usefixtures("experiment")
def test_a_run_is_running_and_then_finished(client: MlflowClient) -> None:
    with mlflow.start_run(run_name="first", description="what it is for", tags={"team": "climate"}) as run:
        going = client.get_run(run.info.run_id)
        assert (going.info.status, going.info.end_time, going.info.run_name) == ("RUNNING", None, "first")
        assert going.data.tags["mlflow.note.content"] == "what it is for"
        assert going.data.tags["mlflow.runName"] == "first"
        assert going.data.tags["team"] == "climate"
    ended = client.get_run(run.info.run_id).info
    assert ended.status == "FINISHED"
    assert ended.end_time >= ended.start_time
    assert ended.artifact_uri.endswith(f"/{run.info.run_id}/artifacts")


@pytest.mark.usefixtures("experiment")
def test_a_run_whose_code_raises_has_failed(client: MlflowClient) -> None:
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        raise ZeroDivisionError
    assert client.get_run(run.info.run_id).info.status == "FAILED"
    killed = client.create_run(run.info.experiment_id).info.run_id
    client.set_terminated(killed, "KILLED", end_time=42)
    assert (client.get_run(killed).info.status, client.get_run(killed).info.end_time) == ("KILLED", 42)


def test_children_know_their_parent(client: MlflowClient, experiment: str) -> None:
    with (
        mlflow.start_run() as parent,
        mlflow.start_run(nested=True) as child,
        mlflow.start_run(nested=True) as grandchild,
    ):
        mlflow.log_param("depth", 2)
    found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert [run.info.run_id for run in found] == [child.info.run_id]
    assert mlflow.get_parent_run(grandchild.info.run_id).info.run_id == child.info.run_id


@pytest.mark.usefixtures("experiment")
def test_a_run_that_is_resumed_goes_on_where_it_ended(client: MlflowClient) -> None:
    with mlflow.start_run() as run:
        mlflow.log_metric("loss", 2.0, step=0)
    with mlflow.start_run(run_id=run.info.run_id):
        assert client.get_run(run.info.run_id).info.status == "RUNNING"
        mlflow.log_metric("loss", 1.0, step=1)
    assert client.get_run(run.info.run_id).info.status == "FINISHED"
    assert [point.value for point in client.get_metric_history(run.info.run_id, "loss")] == [2.0, 1.0]


def test_a_run_takes_its_name_from_where_one_is_given(client: MlflowClient, rest: Rest, experiment: str) -> None:
    random = client.create_run(experiment)
    assert random.info.run_name
    assert random.data.tags["mlflow.runName"] == random.info.run_name
    by_tag = client.create_run(experiment, tags={"mlflow.runName": "by tag"})
    assert by_tag.info.run_name == "by tag"
    assert (
        "Both 'run_name' argument and 'mlflow.runName' tag are specified"
        in rest.refused(
            "runs/create", experiment_id=experiment, run_name="a", tags=[{"key": "mlflow.runName", "value": "b"}]
        )[1]
    )
    run = by_tag.info.run_id
    client.set_tag(run, "mlflow.runName", "by another tag")
    assert client.get_run(run).info.run_name == "by another tag"
    client.update_run(run, name="by update")
    renamed = client.get_run(run)
    assert (renamed.info.run_name, renamed.data.tags["mlflow.runName"]) == ("by update", "by update")
    assert renamed.info.status == "RUNNING"


def test_tags_are_set_overwritten_and_deleted(client: MlflowClient, run: str) -> None:
    client.set_tag(run, "a/b c:d.e-f_g", "ünï\nçode")
    client.set_tag(run, "n", 5)
    client.set_tag(run, "n", "")
    tags = client.get_run(run).data.tags
    assert (tags["a/b c:d.e-f_g"], tags["n"]) == ("ünï\nçode", "")
    client.delete_tag(run, "n")
    assert "n" not in client.get_run(run).data.tags
    with pytest.raises(MlflowException, match=f"No tag with name: n in run with id {run}"):
        client.delete_tag(run, "n")


def test_a_deleted_run_takes_nothing_until_it_is_restored(client: MlflowClient, experiment: str, run: str) -> None:
    client.delete_run(run)
    client.delete_run(run)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert client.search_runs([experiment]) == []
    assert len(client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == 1
    refusal = f"The run {run} must be in the 'active' state. Current state is deleted."
    for write in (
        lambda: client.log_metric(run, "m", 1),
        lambda: client.log_param(run, "p", 1),
        lambda: client.set_tag(run, "t", 1),
        lambda: client.delete_tag(run, "t"),
        lambda: client.set_terminated(run),
    ):
        with pytest.raises(MlflowException, match=refusal):
            write()
    client.restore_run(run)
    client.log_metric(run, "m", 1)
    assert [found.info.run_id for found in client.search_runs([experiment])] == [run]


def test_a_run_is_named_by_run_id_and_by_run_uuid(rest: Rest, run: str) -> None:
    for field in ("run_id", "run_uuid"):
        info = rest.get("runs/get", **{field: run})["run"]["info"]
        assert info["run_id"] == info["run_uuid"] == run
        rest.post("runs/set-tag", key=field, value="set", **{field: run})
        rest.post("runs/log-metric", key=field, value=1, timestamp=1, **{field: run})
        rest.post("runs/log-parameter", key=field, value="1", **{field: run})
    data = rest.get("runs/get", run_id=run)["run"]["data"]
    for kind in ("metrics", "params", "tags"):
        assert {"run_id", "run_uuid"} <= {entry["key"] for entry in data[kind]}


def test_what_is_no_run_is_refused(rest: Rest, experiment: str) -> None:
    for path, body in (
        ("runs/log-metric", {"key": "m", "value": 1, "timestamp": 1}),
        ("runs/log-parameter", {"key": "p", "value": "1"}),
        ("runs/set-tag", {"key": "t", "value": "1"}),
        ("runs/delete-tag", {"key": "t"}),
        ("runs/log-batch", {"params": [{"key": "p", "value": "1"}]}),
        ("runs/log-inputs", {}),
        ("runs/update", {"status": "FINISHED"}),
        ("runs/delete", {}),
        ("runs/restore", {}),
    ):
        assert rest.refused(path, http=404, run_id="nobody", **body) == (
            "RESOURCE_DOES_NOT_EXIST",
            "Run with id=nobody not found",
        )
        assert "Missing value for required parameter 'run_id'" in rest.refused(path, **body)[1]
    assert rest.refused("runs/get", method="GET", http=404, run_id="nobody")[0] == "RESOURCE_DOES_NOT_EXIST"
    assert rest.refused("runs/create", http=404, experiment_id="987654321") == (
        "RESOURCE_DOES_NOT_EXIST",
        "No Experiment with id=987654321 exists",
    )
