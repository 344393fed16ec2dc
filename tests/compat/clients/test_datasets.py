"""Datasets as inputs of runs, by the client."""

import json

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import Dataset, DatasetInput, InputTag
from rest import Rest

CONTEXT = "mlflow.data.context"


def given(name: str = "d", digest: str = "1", context: str = "training", **fields: str) -> DatasetInput:
    return DatasetInput(Dataset(name, digest, "local", "{}", **fields), [InputTag(CONTEXT, context)])


@pytest.mark.usefixtures("experiment")
def test_a_frame_that_is_logged_is_an_input_of_the_run(client: MlflowClient) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    dataset = from_pandas(frame, source="weather.csv", name="weather", targets="y")
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training", tags={"season": "summer"})
    (found,) = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("weather", dataset.digest)
    assert json.loads(found.dataset.profile) == {"num_rows": 2, "num_elements": 4}
    assert "mlflow_colspec" in json.loads(found.dataset.schema)
    assert {tag.key: tag.value for tag in found.tags} == {"season": "summer", CONTEXT: "training"}
    assert mlflow.data.get_source(found).uri == "weather.csv"


def test_a_dataset_is_an_input_of_a_run_once(client: MlflowClient, run: str) -> None:
    client.log_inputs(run, [given(), given(context="again"), given(digest="2")])
    client.log_inputs(run, [given(context="later")])
    inputs = client.get_run(run).inputs.dataset_inputs
    assert sorted((found.dataset.digest, found.tags[0].value) for found in inputs) == [
        ("1", "training"),
        ("2", "training"),
    ]


def test_runs_are_found_by_their_data(client: MlflowClient, experiment: str) -> None:
    runs = {}
    for name, context in (("weather", "training"), ("co2", "validation")):
        runs[name] = client.create_run(experiment).info.run_id
        client.log_inputs(runs[name], [given(name, f"digest of {name}"[:36], context)])
    for text, found in (
        ("datasets.name = 'weather'", "weather"),
        ("dataset.digest LIKE '%co2'", "co2"),
        ("datasets.context = 'validation'", "co2"),
        ("datasets.name IN ('weather', 'nothing')", "weather"),
    ):
        assert [run.info.run_id for run in client.search_runs([experiment], text)] == [runs[found]]
    assert client.search_runs([experiment], "datasets.name = 'elnino'") == []


def test_the_datasets_of_an_experiment_are_listed(client: MlflowClient, rest: Rest, experiment: str, run: str) -> None:
    client.log_inputs(run, [given("weather", "1"), given("co2", "2", "validation")])
    path = "/ajax-api/2.0/mlflow/experiments/search-datasets"
    answer = rest.post(path, experiment_ids=[experiment])
    assert sorted((found["name"], found["digest"], found["context"]) for found in answer["dataset_summaries"]) == [
        ("co2", "2", "validation"),
        ("weather", "1", "training"),
    ]
    assert "must specify at least one experiment_id" in rest.refused(path, experiment_ids=[])[1]
    assert "cannot specify more than 20" in rest.refused(path, experiment_ids=[str(n) for n in range(21)])[1]


@pytest.mark.parametrize(("field", "limit"), [("name", 500), ("digest", 36), ("source", 65535)])
def test_a_dataset_has_limits(rest: Rest, run: str, field: str, limit: int) -> None:
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
    rest.post("runs/log-inputs", run_id=run, datasets=[{"dataset": {**dataset, field: "x" * limit}}])
    code, message = rest.refused(
        "runs/log-inputs", run_id=run, datasets=[{"dataset": {**dataset, field: "x" * (limit + 1)}}]
    )
    assert code == "INVALID_PARAMETER_VALUE"
    assert f"'{field}' exceeds the maximum length of {limit} characters" in message
