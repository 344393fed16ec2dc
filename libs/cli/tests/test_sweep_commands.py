"""`murmur sweep` and `murmur leaderboard`, against a front door that answers as trainer and tracking would."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from stand_in import answering
from typer.testing import CliRunner

from murmur_cli.main import app
from murmur_cli.ranking import goal_of, leaderboard, varied

BEST = {"data": {"dataset": "co2"}, "run_id": "r-2", "value": 0.3, "parameters": {"max_depth": 2, "dataset": "co2"}}


def sweep(state: str, done: int, **told: Any) -> dict[str, Any]:
    return {
        "sweep_id": "s-1",
        "workflow": "climate",
        "by": "ada",
        "state": state,
        "members": 4,
        "training": 4 - done,
        "completed": done,
        "failed": 0,
        "cancelled": 0,
        "metric": "check_rmse",
        "best": [BEST] if done else [],
        "cancelled_by": "",
        "correlation_id": "c0ffee00-1111",
        **told,
    }


def run_of(number: int, author: str, dataset: str, rmse: float | None, **parameters: Any) -> dict[str, Any]:
    metrics = {} if rmse is None else {"rmse": rmse, "rmse_low": rmse - 0.1, "rmse_high": rmse + 0.1}
    return {
        "run_id": f"r-{number}",
        "trigger": {"kind": "manual", "key": f"s-{author}/{number}", "by": author},
        "started_at": f"2026-01-01T00:00:{number:02d}Z",
        "metrics": metrics,
        "parameters": {"dataset": dataset, **parameters},
    }


RUNS = [
    run_of(1, "ada", "seattle", 2.9, max_depth=3),
    run_of(2, "ada", "seattle", 2.8, max_depth=2),
    run_of(3, "bob", "seattle", 2.7, max_depth=1),
    run_of(4, "bob", "co2", 0.5, max_depth=1),
    run_of(5, "bob", "co2", None, max_depth=9),
]


class Heard:
    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.states = [sweep("running", 1), sweep("running", 3), sweep("completed", 4)]
        self.refusal: str | None = None

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/trainer/v1/workflows/{name}/sweeps", response_model=None)
        async def start(name: str, body: dict[str, Any]) -> dict[str, Any] | JSONResponse:
            self.calls.append((name, body))
            if self.refusal:
                problem = {"type": "about:blank", "title": "Not askable", "status": 422, "detail": self.refusal}
                return JSONResponse(problem, status_code=422)
            return sweep("running", 0)

        @app.get("/trainer/v1/sweeps/{name}")
        async def look(name: str) -> dict[str, Any]:
            return self.states.pop(0) if len(self.states) > 1 else self.states[0]

        @app.post("/trainer/v1/sweeps/{name}/cancel")
        async def cancel(name: str, body: dict[str, Any]) -> dict[str, Any]:
            self.calls.append((name, body))
            return sweep("stopping", 1, cancelled=2, training=1)

        @app.get("/trainer/v1/workflows/{name}")
        async def workflow(name: str) -> dict[str, Any]:
            return {"name": name}

        @app.get("/tracking/v1/runs")
        async def runs() -> dict[str, Any]:
            return {"items": RUNS, "next": None}

        return app


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    heard = Heard()
    monkeypatch.setattr("murmur_cli.sweep_commands._LOOK_EVERY", 0.0)
    with answering(heard.app(), tmp_path, monkeypatch):
        yield heard


def murmur(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_values_are_sent_as_numbers_and_words_and_its_end_is_told(heard: Heard) -> None:
    code, said = murmur(
        "sweep", "climate", "--grid", "max_depth=3,5", "--grid", "eta=0.05", "--data", "dataset=seattle,co2",
        "--random", "2", "--seed", "1", "--author", "ada", "--max-parallel", "4",
    )  # fmt: skip
    assert code == 0, said
    ((name, body),) = heard.calls
    assert name == "climate"
    assert body["grid"] == {"max_depth": [3, 5], "eta": [0.05]}
    assert body["data"] == {"dataset": ["seattle", "co2"]}
    assert (body["random"], body["seed"], body["by"], body["max_parallel"]) == (2, 1, "ada", 4)
    assert "sweep s-1 is completed: 4 of 4 trained, 0 failed" in said
    assert "best on co2: r-2  check_rmse 0.3  max_depth=2 dataset=co2" in said


def test_detached_it_is_not_waited_for(heard: Heard) -> None:
    code, said = murmur("sweep", "climate", "--grid", "max_depth=3", "--detach", "--json")
    assert (code, json.loads(said)["state"]) == (0, "running")
    assert len(heard.states) == 3


def test_a_refusal_names_the_value_and_ends_with_1(heard: Heard) -> None:
    heard.refusal = "max_depth=99 is not allowed: from 1 to 12 it may be"
    code, said = murmur("sweep", "climate", "--grid", "max_depth=99")
    assert code == 1
    assert "max_depth=99 is not allowed" in said


def test_a_sweep_of_which_everything_failed_ends_with_1(heard: Heard) -> None:
    heard.states = [sweep("completed", 0, failed=4)]
    assert murmur("sweep", "watch", "s-1")[0] == 1


@pytest.mark.parametrize("pair", ["max_depth", "max_depth=", "=3"])
def test_a_pair_without_values_is_wrong_usage(heard: Heard, pair: str) -> None:
    code, said = murmur("sweep", "climate", "--grid", pair)
    assert code == 2
    assert "names no values" in said
    assert heard.calls == []


def test_it_is_cancelled_with_who_and_why(heard: Heard) -> None:
    code, said = murmur("sweep", "cancel", "s-1", "--reason", "enough", "--author", "bob")
    assert code == 0, said
    assert heard.calls == [("s-1", {"by": "bob", "reason": "enough"})]
    assert "2 trainings will not begin, 1 still train" in said


def test_the_leaderboard_has_the_best_run_of_each_author_in_each_group() -> None:
    places = leaderboard(RUNS, "rmse", "minimize", ["dataset"])
    assert [(place.group, place.author, place.run["run_id"], place.runs) for place in places] == [
        (("co2",), "bob", "r-4", 1),
        (("seattle",), "bob", "r-3", 1),
        (("seattle",), "ada", "r-2", 2),
    ]
    assert varied(places, ["dataset"]) == ["max_depth"]


def test_the_best_of_a_metric_of_which_more_is_better_has_the_most() -> None:
    (place,) = leaderboard(RUNS[:2], "rmse", "maximize", [])
    assert place.run["run_id"] == "r-1"


@pytest.mark.parametrize(
    ("metric", "goal"),
    [("rmse", "minimize"), ("check_rmse", "minimize"), ("auc", "maximize"), ("skill", "maximize"), ("rounds", None)],
)
def test_a_metric_s_name_tells_what_is_better(metric: str, goal: str | None) -> None:
    assert goal_of(metric) == goal


def test_the_leaderboard_is_shown_with_intervals(heard: Heard) -> None:
    code, said = murmur("leaderboard", "climate", "--metric", "rmse", "--by", "dataset")
    assert code == 0, said
    rows = [line.split() for line in said.splitlines()[1:]]
    assert rows[0] == ["co2", "bob", "0.5", "[0.4,", "0.6]", "1", "r-4", "1"]


def test_a_metric_whose_goal_nobody_knows_asks_for_it(heard: Heard) -> None:
    code, said = murmur("leaderboard", "climate", "--metric", "speed")
    assert code == 2
    assert "add --goal" in said


def test_a_metric_that_no_run_has_says_which_there_are(heard: Heard) -> None:
    code, said = murmur("leaderboard", "climate", "--metric", "auc")
    assert code == 0
    assert "they have rmse, rmse_high, rmse_low" in said
