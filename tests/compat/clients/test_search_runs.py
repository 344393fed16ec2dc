"""Search of runs by the client: filters, orders, pages, and what is refused."""

import math

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

Made = dict[str, str]


@pytest.fixture
def made(client: MlflowClient, experiment: str) -> Made:
    """Four runs by their names; d has no metric and no param."""
    runs = {}
    for number, (name, loss, depth) in enumerate((("a", 0.1, "6"), ("b", 0.3, "8"), ("c", math.nan, "10"))):
        run = client.create_run(experiment, start_time=1000 + number, run_name=name).info.run_id
        client.log_metric(run, "loss", loss)
        client.log_metric(run, "a b", -loss if loss == loss else 7)
        client.log_param(run, "depth", depth)
        client.set_tag(run, "team", f"Team {name}")
        runs[name] = run
    runs["d"] = client.create_run(experiment, start_time=1003, run_name="d").info.run_id
    client.set_terminated(runs["d"], "FAILED", end_time=2000)
    return runs


def names(client: MlflowClient, experiment: str, text: str, **options: object) -> str:
    return "".join(run.info.run_name for run in client.search_runs([experiment], text, **options))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "dcba"),
        ("metrics.loss > 0.2", "b"),
        ("metrics.loss >= 0.1 AND metrics.loss < 0.3", "a"),
        ("metrics.loss != 0.1 and params.depth = '8'", "b"),
        ("metrics.`a b` < -0.2", "b"),
        ('metric."a b" = 7', "c"),
        ("params.depth LIKE '1%'", "c"),
        ("params.depth != '6'", "cb"),
        ("params.depth = '7'", ""),
        ("tags.team ILIKE 'TEAM %'", "cba"),
        ("tags.team LIKE 'TEAM %'", ""),
        ('tag.team = "Team a"', "a"),
        ("attributes.run_name = 'a'", "a"),
        ("run_name LIKE '%' AND status = 'FAILED'", "d"),
        ("attribute.status != 'FAILED'", "cba"),
        ("start_time > 1001", "dc"),
        ("attributes.start_time <= 1000", "a"),
        ("end_time = 2000", "d"),
    ],
)
def test_a_filter_finds(client: MlflowClient, experiment: str, made: Made, text: str, found: str) -> None:
    assert made
    assert names(client, experiment, text) == found


def test_runs_are_found_by_lists_of_ids(client: MlflowClient, experiment: str, made: Made) -> None:
    assert names(client, experiment, f"run_id IN ('{made['a']}', '{made['d']}')") == "da"
    assert names(client, experiment, f"attributes.run_id NOT IN ('{made['a']}')") == "dcb"
    assert names(client, experiment, f"run_id = '{made['b']}'") == "b"


@pytest.mark.client_3
@pytest.mark.parametrize(
    ("text", "found"), [("params.depth IS NULL", "d"), ("tags.team IS NOT NULL", "cba"), ("params.no IS NULL", "dcba")]
)
def test_absence_is_asked_for(client: MlflowClient, experiment: str, made: Made, text: str, found: str) -> None:
    assert made
    assert names(client, experiment, text) == found


@pytest.mark.ours
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("metrics.loss < 0.2 OR params.depth = '10'", "ca"),
        ("NOT status = 'FAILED' AND (run_name = 'a' OR run_name = 'b')", "ba"),
        ("params.depth IN ('6', '10')", "ca"),
        ("NOT (metrics.loss > 0)", "c"),
        ("metrics.loss IS NULL", "d"),
    ],
)
def test_the_grammar_is_a_superset(client: MlflowClient, experiment: str, made: Made, text: str, found: str) -> None:
    assert made
    assert names(client, experiment, text) == found


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (["metrics.loss ASC"], "abcd"),
        (["metrics.loss DESC"], "bacd"),
        (["params.depth"], "cabd"),
        (["params.depth DESC"], "bacd"),
        (["tags.team DESC", "start_time"], "cbad"),
        (["start_time ASC"], "abcd"),
        (["attributes.run_name DESC"], "dcba"),
        (["status", "start_time DESC"], "dcba"),
        (["metrics.`a b`"], "bacd"),
        (["Created ASC"], "abcd"),
    ],
)
def test_an_order_puts_what_is_absent_last(
    client: MlflowClient, experiment: str, made: Made, order: list[str], found: str
) -> None:
    assert made
    assert names(client, experiment, "", order_by=order) == found


def test_pages_join_to_the_whole(client: MlflowClient, experiment: str) -> None:
    made = sorted(client.create_run(experiment, start_time=1).info.run_id for _ in range(10))
    found, token = [], None
    for size in (4, 4, 2):
        page = client.search_runs([experiment], max_results=4, page_token=token)
        assert len(page) == size
        found += [run.info.run_id for run in page]
        token = page.token
    assert found == made
    assert token is None


def test_runs_are_a_table(client: MlflowClient, experiment: str, made: Made) -> None:
    assert made
    table = mlflow.search_runs([experiment], order_by=["start_time"])
    assert list(table["tags.mlflow.runName"]) == ["a", "b", "c", "d"]
    assert list(table["params.depth"])[:3] == ["6", "8", "10"]
    assert table["metrics.loss"][1] == 0.3
    assert mlflow.search_runs(experiment_names=[client.get_experiment(experiment).name]).shape[0] == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metrics.loss > 'x'", "Expected numeric value type for metric. Found 'x'"),
        ("params.depth = 6", "Expected a quoted string value for parameter"),
        ("foo.x = 'a'", "Invalid entity type 'foo'"),
        ("attribute.nothing = 'x'", "Invalid attribute key 'nothing' specified"),
        ("datasets.colour = 'x'", "Invalid dataset key 'colour' specified"),
        ("run_id IN ()", "expected a non-empty list of string values"),
        ("params.depth > '6'", "Invalid comparator '>'"),
        ("start_time > 'x'", "Expected numeric value type for numeric attribute: start_time. Found 'x'"),
    ],
)
def test_a_wrong_filter_says_what_is_wrong(client: MlflowClient, experiment: str, text: str, message: str) -> None:
    with pytest.raises(MlflowException) as refused:
        client.search_runs([experiment], text)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_results": 50_001}, "Invalid value 50001 for parameter 'max_results' supplied"),
        ({"max_results": 0}, "Invalid value 0 for parameter 'max_results' supplied"),
        ({"page_token": "no token"}, "Invalid page token"),
        ({"order_by": ["metrics.loss sideways"]}, "order_by clause"),
        ({"order_by": ["x y z"]}, "Invalid order_by clause"),
        ({"order_by": ["foo.x"]}, "Invalid entity type 'foo'"),
    ],
)
def test_a_wrong_question_says_what_is_wrong(
    client: MlflowClient, experiment: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(MlflowException) as refused:
        client.search_runs([experiment], **options)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert message in str(refused.value)
