"""Workspaces keep teams apart and can be dropped: what Murmuration adds."""

from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
import pytest
from conftest import Workspace
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from rest import WORKSPACE, Rest

pytestmark = pytest.mark.ours


@contextmanager
def as_team(name: str) -> Iterator[None]:
    before, Workspace.name = Workspace.name, name
    try:
        yield
    finally:
        Workspace.name = before


def drop(rest: Rest, name: str) -> None:
    """Tracking says that it is gone; the registry hears it."""
    assert rest("DELETE", f"/tracking/v1/workspaces/{name}").status_code == 200


def test_two_teams_do_not_see_each_other(client: MlflowClient, unique: str) -> None:
    made = client.create_experiment("the same name")
    run = client.create_run(made).info.run_id
    client.create_registered_model("the same model")
    with as_team(f"other-{unique}"):
        assert [found.name for found in client.search_experiments()] == ["Default"]
        assert client.search_registered_models() == []
        assert client.get_experiment_by_name("the same name") is None
        with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST"):
            client.get_run(run)
        with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST"):
            client.log_metric(run, "m", 1)
        assert client.search_runs([made]) == []
        other = client.create_experiment("the same name")
        client.create_registered_model("the same model", description="theirs")
        assert other != made
    assert client.get_run(run).data.metrics == {}
    assert client.get_registered_model("the same model").description in (None, "")


def test_an_artifact_of_one_team_is_not_read_by_another(
    client: MlflowClient, rest: Rest, run: str, unique: str
) -> None:
    client.log_text(run, "secret", "a.txt")
    path = client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    address = f"/api/2.0/mlflow-artifacts/artifacts/{path}/a.txt"
    assert rest("GET", address).text == "secret"
    assert rest("GET", address, headers={WORKSPACE: f"other-{unique}"}).status_code == 404


def test_a_dropped_workspace_starts_clean(client: MlflowClient, rest: Rest, workspace: str) -> None:
    client.create_experiment("e")
    client.create_registered_model("m")
    with mlflow.start_run() as run:
        mlflow.log_metric("m", 1)
    drop(rest, workspace)
    assert [found.name for found in client.search_experiments()] == ["Default"]
    assert client.search_registered_models() == []
    with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST"):
        client.get_run(run.info.run_id)
    assert client.search_runs(["0"]) == []
    client.create_experiment("e")
    client.create_registered_model("m")


def test_a_workspace_of_no_good_name_is_refused(rest: Rest) -> None:
    for name in ("../up", "a b", "x" * 200):
        answer = rest("POST", "experiments/search", json={"max_results": 1}, headers={WORKSPACE: name})
        assert answer.status_code == 400
        assert name[:20] in answer.json()["message"]
