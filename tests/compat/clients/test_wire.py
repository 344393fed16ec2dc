"""What the protocol looks like on the wire: types, what is left out, errors of requests that no client would send."""

import json

import pytest
from rest import Rest


def test_the_server_says_that_it_lives_and_what_it_speaks(rest: Rest) -> None:
    assert (rest("GET", "/health").status_code, rest("GET", "/health").text) == (200, "OK")
    assert rest("GET", "/version").text.split(".")[0].isdecimal()


def test_numbers_are_numbers_and_what_is_empty_is_left_out(rest: Rest, experiment: str) -> None:
    run = rest.post("runs/create", experiment_id=experiment, start_time="1234", user_id="ada")["run"]
    assert run["info"]["start_time"] == 1234
    assert run["info"]["user_id"] == "ada"
    assert run["info"]["status"] == "RUNNING"
    assert "end_time" not in run["info"]
    assert set(run["data"]) == {"tags"}
    rest.post("runs/log-metric", run_id=run["info"]["run_id"], key="m", value=1, timestamp=5)
    found = rest.get("runs/get", run_id=run["info"]["run_id"])["run"]
    assert found["data"]["metrics"] == [{"key": "m", "value": 1.0, "timestamp": 5, "step": 0}]
    assert "params" not in found["data"]
    assert rest.get("metrics/get-history", run_id=run["info"]["run_id"], metric_key="no") == {}
    assert rest.post("runs/search", experiment_ids=[]) == {}


def test_the_pages_of_a_browser_use_the_same_calls(rest: Rest, run: str) -> None:
    for api in ("/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/"):
        assert rest("GET", "runs/get", api=api, params={"run_id": run}).json()["run"]["info"]["run_id"] == run


def test_a_status_is_told_by_name_or_number(rest: Rest, run: str) -> None:
    assert rest.post("runs/update", run_id=run, status=4, end_time="7")["run_info"]["status"] == "FAILED"
    info = rest.post("runs/update", run_id=run, status="FINISHED")["run_info"]
    assert (info["status"], info["end_time"]) == ("FINISHED", 7)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("experiments/create", {"name": 123}, "Invalid value 123 for parameter 'name'"),
        ("experiments/create", {"name": "x", "artifact_location": 9.0}, "Invalid value 9.0 for parameter"),
        ("experiments/create", {"name": "x", "tags": "5"}, "Invalid value \"5\" for parameter 'tags'"),
        ("experiments/create", {"name": None}, "Missing value for required parameter 'name'"),
        ("runs/log-metric", {"run_id": 31, "key": "m", "value": 1, "timestamp": 1}, "Invalid value 31 for parameter"),
        ("runs/log-metric", {"run_id": "r", "key": "m", "value": "x", "timestamp": 1}, "for parameter 'value'"),
        ("runs/log-metric", {"run_id": "r", "key": "m", "value": 1, "timestamp": "x"}, "for parameter 'timestamp'"),
        ("runs/log-metric", {"run_id": "r", "key": "m", "value": 1, "timestamp": 1, "step": "x"}, "parameter 'step'"),
        (
            "runs/log-metric",
            {"run_id": "r", "key": "m", "value": 1},
            "Missing value for required parameter 'timestamp'",
        ),
        ("runs/log-metric", {"run_id": "r", "value": 1, "timestamp": 1}, "Missing value for required parameter 'key'"),
        ("runs/log-parameter", {"run_id": "r", "key": 31, "value": "1"}, "Invalid value 31 for parameter 'key'"),
        ("runs/log-parameter", {"run_id": "r", "key": "p", "value": 5}, "Invalid value 5 for parameter 'value'"),
        ("runs/set-tag", {"run_id": "r", "key": "t", "value": 41}, "Invalid value 41 for parameter 'value'"),
        ("runs/log-batch", {"run_id": "r", "metrics": "foo"}, "Invalid value \"foo\" for parameter 'metrics'"),
        ("runs/log-batch", {"run_id": "r", "metrics": [{"key": "m", "value": 1}]}, "'metrics[0].timestamp'"),
        ("runs/log-batch", {"run_id": "r", "params": [{"value": "1"}]}, "'params[0].key'"),
        ("runs/log-batch", {"metrics": []}, "Missing value for required parameter 'run_id'"),
        ("runs/search", {"experiment_ids": "0"}, "for parameter 'experiment_ids'"),
        ("experiments/search", {}, "Invalid value 0 for parameter 'max_results'"),
    ],
)
def test_a_wrong_body_is_refused_by_the_name_of_the_field(
    rest: Rest, path: str, body: dict[str, object], message: str
) -> None:
    code, told = rest.refused(path, **body)
    assert code == "INVALID_PARAMETER_VALUE"
    assert message in told


@pytest.mark.ours
def test_json_with_nan_in_it_is_understood(rest: Rest, run: str) -> None:
    body = json.dumps({"run_id": run, "metrics": [{"key": "m", "value": float("nan"), "timestamp": 1, "step": 0}]})
    answer = rest("POST", "runs/log-batch", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert rest.get("runs/get", run_id=run)["run"]["data"]["metrics"][0]["value"] == "NaN"


def test_json_in_a_json_string_is_understood(rest: Rest, run: str) -> None:
    answer = rest("POST", "runs/set-tag", json=json.dumps({"run_id": run, "key": "old", "value": "client"}))
    assert answer.status_code == 200
    assert {"key": "old", "value": "client"} in rest.get("runs/get", run_id=run)["run"]["data"]["tags"]


def test_what_is_no_json_is_refused(rest: Rest) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded"):
        answer = rest("POST", "experiments/create", data="{}", headers={"Content-Type": content_type})
        assert answer.status_code == 400
        assert "Content-Type must be one of ['application/json']" in answer.json()["message"]
    answer = rest("POST", "experiments/create", data="{no json", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_what_is_no_endpoint_is_not_found(rest: Rest) -> None:
    assert rest("GET", "nothing/at/all").status_code == 404
    assert rest("GET", "experiments/create").status_code in (404, 405)


def test_a_doubled_slash_leads_to_the_same_place(rest: Rest) -> None:
    answer = rest("GET", "//model-versions/get-artifact", params={"name": "m", "version": 1, "path": "../x"})
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid path")


@pytest.mark.ours
def test_a_batch_of_more_than_a_megabyte_is_refused(rest: Rest, run: str) -> None:
    tags = [{"key": f"t{number}", "value": "x" * 7900} for number in range(100)]
    rest.post("runs/log-batch", run_id=run, tags=tags)
    params = [{"key": f"p{number}", "value": "x" * 5900} for number in range(100)]
    code, message = rest.refused("runs/log-batch", run_id=run, tags=tags, params=params)
    assert code == "INVALID_PARAMETER_VALUE"
    assert message.startswith("Batched logging API requests must be at most 1000000 bytes")
    assert "params" not in rest.get("runs/get", run_id=run)["run"]["data"]
