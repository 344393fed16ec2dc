"""Histories of many runs at once, as MLflow's own pages ask for them."""

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric
from rest import Json, Rest

BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
INTERVAL = f"{BULK}-interval"


@pytest.fixture
def pair(client: MlflowClient, experiment: str) -> tuple[str, str]:
    """Two runs: steps 0 to 9 of one, 0 to 19 of the other."""
    runs = []
    for steps in (10, 20):
        run = client.create_run(experiment).info.run_id
        client.log_batch(run, metrics=[Metric("loss", float(step), 1, step) for step in range(steps)])
        runs.append(run)
    return runs[0], runs[1]


def points(answer: Json) -> list[tuple[str, int]]:
    return [(point["run_id"], point["step"]) for point in answer["metrics"]]


def test_the_histories_of_several_runs_are_one_answer(rest: Rest, pair: tuple[str, str]) -> None:
    one, other = pair
    answer = rest.get(BULK, run_id=[other, one], metric_key="loss")
    whole = [(one, step) for step in range(10)] + [(other, step) for step in range(20)]
    assert points(answer) == sorted(whole)
    assert answer["metrics"][0] == {"key": "loss", "run_id": min(pair), "step": 0, "timestamp": 1, "value": 0.0}
    assert points(rest.get(BULK, run_id=[one], metric_key="loss", max_results=3)) == [(one, 0), (one, 1), (one, 2)]
    assert rest.get(BULK, run_id=[one], metric_key="other") == {"metrics": []}


def test_a_bulk_request_has_limits(rest: Rest) -> None:
    for query, message in (
        ({"metric_key": "k"}, "GetMetricHistoryBulk request must specify at least one run_id"),
        ({"run_id": ["1"]}, "GetMetricHistoryBulk request must specify a metric_key"),
        ({"metric_key": "k", "run_id": [str(n) for n in range(101)]}, "cannot specify more than 100 run_ids"),
    ):
        code, told = rest.refused(BULK, method="GET", **query)
        assert code == "INVALID_PARAMETER_VALUE"
        assert message in told


def test_an_interval_keeps_ends_and_spreads_evenly(rest: Rest, pair: tuple[str, str]) -> None:
    one, other = pair
    whole = rest.get(INTERVAL, run_ids=[one], metric_key="loss", max_results=10)
    assert points(whole) == [(one, step) for step in range(10)]
    few = points(rest.get(INTERVAL, run_ids=[other], metric_key="loss", max_results=5))
    assert 5 <= len(few) <= 6
    assert (few[0], few[-1]) == ((other, 0), (other, 19))
    part = rest.get(INTERVAL, run_ids=[other], metric_key="loss", start_step=3, end_step=5, max_results=5)
    assert points(part) == [(other, 3), (other, 4), (other, 5)]


def test_an_interval_has_limits(rest: Rest) -> None:
    for query, message in (
        ({"metric_key": "k"}, "Missing value for required parameter 'run_ids'."),
        ({"run_ids": ["1"]}, "Missing value for required parameter 'metric_key'"),
        ({"run_ids": [str(n) for n in range(101)], "metric_key": "k"}, "must specify at most 100 run_ids."),
        ({"run_ids": ["1"], "metric_key": "k", "max_results": 0}, "max_results must be between 1 and 2500"),
        ({"run_ids": ["1"], "metric_key": "k", "max_results": 2501}, "max_results must be between 1 and 2500"),
        ({"run_ids": ["1"], "metric_key": "k", "start_step": 1, "end_step": 0}, "end_step must be greater than"),
        ({"run_ids": ["1"], "metric_key": "k", "start_step": 1}, "both must be specified."),
    ):
        code, told = rest.refused(INTERVAL, method="GET", **query)
        assert code == "INVALID_PARAMETER_VALUE"
        assert message in told


def test_a_wrong_page_token_is_refused(rest: Rest, run: str) -> None:
    query = {"run_id": run, "metric_key": "k", "max_results": 1}
    code, message = rest.refused("metrics/get-history", method="GET", page_token="no token", **query)
    assert code == "INVALID_PARAMETER_VALUE"
    assert message.startswith("Invalid page token")
    assert (
        "must be a positive integer"
        in rest.refused("metrics/get-history", method="GET", **{**query, "max_results": 0})[1]
    )
