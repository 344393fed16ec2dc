"""Metrics, params and tags by the client: histories, values that JSON has no word for, limits, what may not change."""

import math
import time

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from rest import Rest

HUGE = 1.7976931348623157e308


def test_the_latest_value_is_that_of_the_last_step_not_of_the_last_call(client: MlflowClient, run: str) -> None:
    for step, timestamp, value in ((0, 10, 5.0), (2, 20, 3.0), (1, 30, 4.0)):
        client.log_metric(run, "loss", value, timestamp=timestamp, step=step)
    assert client.get_run(run).data.metrics == {"loss": 3.0}
    history = client.get_metric_history(run, "loss")
    assert [(point.timestamp, point.step, point.value) for point in history] == [
        (10, 0, 5.0),
        (20, 2, 3.0),
        (30, 1, 4.0),
    ]
    client.log_metric(run, "loss", 2.0, timestamp=20, step=2)
    client.log_metric(run, "loss", 3.5, timestamp=20, step=2)
    assert client.get_run(run).data.metrics == {"loss": 3.5}
    assert client.get_metric_history(run, "nothing") == []


def test_a_point_that_is_logged_twice_is_kept_once(client: MlflowClient, run: str) -> None:
    point = Metric("m", 1.5, 7, 1)
    client.log_batch(run, metrics=[point, point])
    client.log_metric(run, "m", 1.5, timestamp=7, step=1)
    client.log_metric(run, "m", 1.5, timestamp=8, step=1)
    assert [found.timestamp for found in client.get_metric_history(run, "m")] == [7, 8]


def test_nan_and_infinities_come_back(client: MlflowClient, rest: Rest, run: str) -> None:
    client.log_metric(run, "nan", math.nan)
    client.log_metric(run, "inf", math.inf)
    client.log_batch(run, metrics=[Metric("-inf", -math.inf, 1, 0), Metric("mixed", math.nan, 1, 0)])
    client.log_metric(run, "mixed", 0.25, timestamp=2, step=1)
    rest.post("runs/log-metric", run_id=run, key="by name", value="NaN", timestamp=1)

    metrics = client.get_run(run).data.metrics
    assert math.isnan(metrics["nan"])
    assert math.isnan(metrics["by name"])
    assert metrics["inf"] >= HUGE
    assert metrics["-inf"] <= -HUGE
    assert metrics["mixed"] == 0.25
    assert [math.isnan(point.value) for point in client.get_metric_history(run, "mixed")] == [True, False]


@pytest.mark.ours
def test_infinities_are_not_the_greatest_number(client: MlflowClient, run: str) -> None:
    client.log_batch(run, metrics=[Metric("inf", math.inf, 1, 0), Metric("-inf", -math.inf, 1, 0)])
    assert client.get_run(run).data.metrics == {"inf": math.inf, "-inf": -math.inf}


def test_a_value_keeps_every_bit(client: MlflowClient, run: str) -> None:
    values = [0.1 + 0.2, 1e-320, 2**53 + 2.0, math.pi, 1 / 3]
    client.log_batch(run, metrics=[Metric("v", value, 1, step) for step, value in enumerate(values)])
    history = sorted(client.get_metric_history(run, "v"), key=lambda point: point.step)
    assert [point.value.hex() for point in history] == [value.hex() for value in values]


@pytest.mark.usefixtures("experiment")
def test_everything_that_the_fluent_interface_logs_is_there(client: MlflowClient) -> None:
    with mlflow.start_run() as run:
        mlflow.log_params({"depth": 6, "eta": 0.3, "booster": "gbtree", "empty": "", "none": None})
        mlflow.log_metrics({"loss": 1, "accuracy": 0.5}, step=3)
        mlflow.set_tags({"a": 1, "b": ""})
        mlflow.log_metric("later", 1, synchronous=False).wait()
        mlflow.log_param("also later", 1, synchronous=False).wait()
    data = client.get_run(run.info.run_id).data
    assert data.params == {
        "depth": "6", "eta": "0.3", "booster": "gbtree", "empty": "", "none": "None", "also later": "1"
    }  # fmt: skip
    assert data.metrics == {"loss": 1.0, "accuracy": 0.5, "later": 1.0}
    assert (data.tags["a"], data.tags["b"]) == ("1", "")
    assert client.get_metric_history(run.info.run_id, "loss")[0].step == 3
    assert abs(client.get_metric_history(run.info.run_id, "loss")[0].timestamp - time.time() * 1000) < 300_000


def test_a_param_never_changes(client: MlflowClient, run: str) -> None:
    client.log_param(run, "depth", 6)
    client.log_param(run, "depth", 6)
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        client.log_param(run, "depth", 7)
    with pytest.raises(MlflowException, match="Changing param values is not allowed"):
        client.log_batch(run, params=[Param("new", "1"), Param("depth", "7")], tags=[RunTag("t", "1")])
    data = client.get_run(run).data
    assert data.params == {"depth": "6"}
    assert "t" not in data.tags


def test_the_same_param_twice_in_a_batch_is_refused(rest: Rest, run: str) -> None:
    params = [{"key": "p", "value": "1"}, {"key": "p", "value": "2"}]
    code, message = rest.refused("runs/log-batch", run_id=run, params=params)
    assert (code, message.split(":")[0]) == ("INVALID_PARAMETER_VALUE", "Duplicate parameter keys have been submitted")
    rest.post("runs/log-batch", run_id=run, tags=params)
    tags = rest.get("runs/get", run_id=run)["run"]["data"]["tags"]
    assert {"key": "p", "value": "2"} in tags


@pytest.mark.parametrize(("kind", "limit"), [("metrics", 1000), ("params", 100), ("tags", 100)])
def test_a_batch_has_limits(rest: Rest, run: str, kind: str, limit: int) -> None:
    def entries(count: int) -> list[dict[str, object]]:
        return [
            {"key": f"k{number}", "value": 1.0 if kind == "metrics" else "1", "timestamp": 1, "step": 0}
            for number in range(count)
        ]

    rest.post("runs/log-batch", run_id=run, **{kind: entries(limit)})
    code, message = rest.refused("runs/log-batch", run_id=run, **{kind: entries(limit + 1)})
    assert code == "INVALID_PARAMETER_VALUE"
    assert f"can contain at most {limit} {kind}. Got {limit + 1} {kind}." in message
    together = rest.refused("runs/log-batch", run_id=run, metrics=[{**e, "value": 2.0} for e in entries(1000)],
                            params=[{"key": "x", "value": "1"}])[1]  # fmt: skip
    assert "can contain at most 1000 metrics, params, and tags. Got 1001" in together


def test_the_client_splits_what_is_more_than_a_batch(client: MlflowClient, experiment: str) -> None:
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_params({f"p{number}": number for number in range(150)})
        mlflow.log_metrics({f"m{number}": number for number in range(1200)})
    data = client.get_run(run.info.run_id).data
    assert (len(data.params), len(data.metrics)) == (150, 1200)


def test_a_thousand_points_of_a_metric_are_a_history(client: MlflowClient, rest: Rest, run: str) -> None:
    for part in range(3):
        points = [Metric("loss", 1 / (1 + step), 1000 + step, step) for step in range(part * 1000, part * 1000 + 1000)]
        client.log_batch(run, metrics=points)
    history = client.get_metric_history(run, "loss")
    assert [point.step for point in history] == list(range(3000))
    first = rest.get("metrics/get-history", run_id=run, metric_key="loss", max_results=2999)
    last = rest.get("metrics/get-history", run_id=run, metric_key="loss", max_results=2999,
                    page_token=first["next_page_token"])  # fmt: skip
    assert [point["step"] for point in last["metrics"]] == [2999]
    assert "next_page_token" not in last


def test_long_values_are_cut_and_long_keys_refused(rest: Rest, run: str) -> None:
    rest.post("runs/log-parameter", run_id=run, key="long", value="x" * 6001)
    rest.post("runs/set-tag", run_id=run, key="long", value="ü" * 8001)
    data = rest.get("runs/get", run_id=run)["run"]["data"]
    assert data["params"] == [{"key": "long", "value": "x" * 6000}]
    assert {"key": "long", "value": "ü" * 8000} in data["tags"]
    key, refusal = "k" * 251, "exceeds the maximum length of 250 characters"
    assert refusal in rest.refused("runs/log-parameter", run_id=run, key=key, value="1")[1]
    assert refusal in rest.refused("runs/set-tag", run_id=run, key=key, value="1")[1]
    assert refusal in rest.refused("runs/log-metric", run_id=run, key=key, value=1, timestamp=1)[1]
    rest.post("runs/log-metric", run_id=run, key=key[1:], value=1, timestamp=1)


@pytest.mark.parametrize("name", ["a@b", "../up", "a/../b", "/a", ".", "a//b", "a*"])
def test_a_name_that_is_no_path_of_its_own_is_refused(rest: Rest, run: str, name: str) -> None:
    for path, body in (
        ("runs/log-metric", {"value": 1, "timestamp": 1}),
        ("runs/log-parameter", {"value": "1"}),
        ("runs/set-tag", {"value": "1"}),
    ):
        code, message = rest.refused(path, run_id=run, key=name, **body)
        assert code == "INVALID_PARAMETER_VALUE"
        assert f'Invalid value "{name}" for parameter' in message
