"""What is read of MLflow's JSON, where a version's files are said to be, and how much is said at once."""

import math
import sys
from typing import Any

import httpx
import pytest

from murmur_cli.mlflow_import.differences import Here, differences
from murmur_cli.mlflow_import.origins import Astray, is_elsewhere, rewritten
from murmur_cli.mlflow_import.pieces import Pieces
from murmur_cli.mlflow_import.shapes import digest_of, number, pairs, place, words
from murmur_cli.mlflow_import.source import Source
from murmur_cli.mlflow_import.wire import Wire


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (sys.float_info.max, math.inf),
        (-sys.float_info.max, -math.inf),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ("0.5", 0.5),
        (1e308, 1e308),
    ],
)
def test_the_greatest_number_is_how_a_stock_server_keeps_an_infinity(said: Any, value: float) -> None:
    assert number(said) == value


def test_not_a_number_is_the_same_point_again() -> None:
    assert place("loss", (1, 2, math.nan)) == place("loss", (1, 2, math.nan))
    assert (words(math.nan), words(-math.inf), words(0.5)) == ("NaN", "-Infinity", 0.5)
    assert place("loss", (1, 2, 0.5)) != place("loss", (1, 2, 0.25))


def test_a_digest_is_of_what_is_said_and_not_of_its_order() -> None:
    one = {"tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}], "inputs": {}}
    other = {"tags": [{"value": "2", "key": "b"}, {"key": "a", "value": "1"}]}
    assert digest_of(one) == digest_of(other)
    assert digest_of(one) != digest_of({"tags": [{"key": "a", "value": "2"}, {"key": "b", "value": "1"}]})


def test_tags_that_tell_of_an_import_are_not_imported() -> None:
    assert pairs([{"key": "murmur.imported.digest", "value": "x"}, {"key": "a"}]) == {"a": ""}


@pytest.mark.parametrize(
    ("source", "there", "here"),
    [
        (
            "mlflow-artifacts:/1/r/artifacts/model",
            "mlflow-artifacts:/1/r/artifacts",
            "mlflow-artifacts:/9/r/artifacts/model",
        ),
        ("file:///srv/1/r/artifacts/a/b", "/srv/1/r/artifacts", "mlflow-artifacts:/9/r/artifacts/a/b"),
        ("/srv/1/r/artifacts", "file:///srv/1/r/artifacts/", "mlflow-artifacts:/9/r/artifacts"),
        ("s3://b/1/r/artifacts/m", "s3://b/1/r/artifacts", "mlflow-artifacts:/9/r/artifacts/m"),
    ],
)
def test_the_source_of_a_version_is_rewritten_to_where_its_files_are_here(source: str, there: str, here: str) -> None:
    assert rewritten(source, there, "mlflow-artifacts:/9/r/artifacts") == here


def test_what_only_begins_alike_is_not_below() -> None:
    with pytest.raises(Astray, match="not below"):
        rewritten("s3://b/1/r/artifacts-of-others/m", "s3://b/1/r/artifacts", "mlflow-artifacts:/9")


def test_only_what_this_flock_can_read_as_well_stays_where_it_is() -> None:
    assert is_elsewhere("s3://bucket/model")
    assert not any(map(is_elsewhere, ("/srv/model", "file:///srv/model", "mlflow-artifacts:/x", "runs:/a/b")))


def test_no_call_says_more_than_the_other_side_takes() -> None:
    pieces, full = Pieces(), []
    for step in range(2500):
        full += pieces.point("loss", (step, step, 0.5))
    for at in range(250):
        full += pieces.text("tags", f"t{at}", "x" * 8000)
    bodies = [one.body() for one in (*full, pieces.last())]
    assert sum(len(one.get("metrics", {}).get("value", ())) for one in bodies) == 2500
    assert sum(len(one.get("tags", ())) for one in bodies) == 250
    for one in bodies:
        assert len(one.get("metrics", {}).get("value", ())) <= 1000
        assert len(one.get("tags", ())) <= 100
        assert len(str(one)) < 900_000


class Silent:
    """A source whose runs have no metrics."""


async def test_a_data_set_is_said_alone() -> None:
    """Its schema and profile may be too large for any call: then it is left, and nothing beside it."""
    dataset = {"name": "rows", "digest": "d", "source_type": "local", "source": "/x", "profile": "p" * 600_000}
    run = {
        "info": {"run_id": "r"},
        "data": {"params": [{"key": "a", "value": "1"}]},
        "inputs": {"dataset_inputs": [{"dataset": dataset}], "model_inputs": [{"model_id": "m"}]},
    }
    said = [piece.body() async for piece in differences(Silent(), run, Here(), ())]  # type: ignore[arg-type]
    assert [sorted(one) for one in said] == [["models_read", "parameters"], ["datasets"], []]


@pytest.mark.parametrize(
    ("status", "body", "any_"), [(200, {"traces": [{}]}, True), (200, {}, False), (404, {}, False)]
)
async def test_traces_are_looked_for_since_they_stay(status: int, body: dict[str, Any], any_: bool) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params["experiment_ids"] == "7"
        return httpx.Response(status, json=body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://there") as http:
        assert await Source(Wire(http, "there"), "http://there").has_traces("7") is any_
