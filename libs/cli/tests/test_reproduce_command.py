"""`murmur reproduce`, against a stand-in for trainer and tracking on a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from stand_in import answering
from typer.testing import CliRunner

from murmur_cli import reproduce_commands
from murmur_cli.shell import ExitCode

commands = typer.Typer()
reproduce_commands.add_to(commands)

IDENTICAL = {
    "of": "r-1",
    "verdict": "identical",
    "original_sha256": "a" * 64,
    "reproduced_sha256": "a" * 64,
    "metrics": [],
    "differences": [],
}
DIFFERENT = {
    **IDENTICAL,
    "verdict": "different",
    "reproduced_sha256": "b" * 64,
    "metrics": [{"name": "auc", "original": 0.78, "reproduced": 0.75, "difference": -0.03}],
    "differences": [{"what": "seed", "name": "seed", "original": "7", "reproduced": "8"}],
}
REFUSAL = "the code of run 'r-1' can no longer be had"


class Stand:
    """How the new run ends, and what was asked. The run is unknown at the first look, and runs at the second."""

    def __init__(self) -> None:
        self.ended: dict[str, Any] = {"status": "completed", "failure": None, "reproduction": IDENTICAL}
        self.asked: list[dict[str, object]] = []
        self.looks = 0
        self.refuses = False

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/trainer/v1/runs/{run}/reproductions", status_code=202, response_model=None)
        async def reproduce(run: str, body: dict[str, object]) -> dict[str, object] | JSONResponse:
            if self.refuses:
                return JSONResponse({"detail": REFUSAL}, 409)
            self.asked.append(body)
            return {"run_id": "r-2", "of": run}

        @app.get("/tracking/v1/runs/r-2", response_model=None)
        async def run() -> dict[str, Any] | JSONResponse:
            self.looks += 1
            if self.looks == 1:
                return JSONResponse({"detail": "no run 'r-2' is known here"}, 404)
            running = {"status": "running", "failure": None, "reproduction": None}
            return {"run_id": "r-2", "progress": 0.5, **(running if self.looks == 2 else self.ended)}

        return app


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    stand = Stand()
    monkeypatch.setattr(reproduce_commands, "_LOOK_EVERY", 0.01)
    with answering(stand.app(), tmp_path, monkeypatch):
        yield stand


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["r-1", *arguments])
    return result.exit_code, result.output


def test_an_identical_model_ends_well(stand: Stand) -> None:
    code, output = run("--reason", "audit")
    assert code == ExitCode.DONE, output
    (body,) = stand.asked
    assert (body["seed"], body["environment"], body["reason"]) == (None, "same", "audit")
    assert "r-2 repeats r-1: identical" in output
    assert "model sha256 aaaaaaaaaaaa in both" in output


def test_a_difference_ends_with_1_and_says_which_metric_by_how_much_and_what_was_not_the_same(stand: Stand) -> None:
    stand.ended["reproduction"] = DIFFERENT
    code, output = run("--seed", "8")
    assert (code, stand.asked[0]["seed"]) == (ExitCode.FAILED, 8)
    lines = [line.split() for line in output.splitlines()]
    assert ["auc", "0.78", "0.75", "-0.03"] in lines
    assert ["seed:", "seed", "7", "8"] in lines
    assert "aaaaaaaaaaaa -> bbbbbbbbbbbb" in output


def test_equivalent_is_good_enough(stand: Stand) -> None:
    stand.ended["reproduction"] = {**DIFFERENT, "verdict": "equivalent"}
    assert run()[0] == ExitCode.DONE


def test_a_run_that_fails_says_why(stand: Stand) -> None:
    stand.ended = {
        "status": "failed",
        "failure": {"cause": "environment_unavailable", "message": "numpy==9 is in no registry"},
        "reproduction": None,
    }
    code, output = run("--fresh-environment")
    assert (code, stand.asked[0]["environment"]) == (ExitCode.FAILED, "fresh")
    assert "environment unavailable" in output
    assert "numpy==9 is in no registry" in output


def test_a_refusal_is_shown_and_nothing_waited_for(stand: Stand) -> None:
    stand.refuses = True
    code, output = run()
    assert (code, stand.looks) == (ExitCode.FAILED, 0)
    assert REFUSAL in output


def test_two_environments_are_one_too_many(stand: Stand) -> None:
    code, output = run("--in-present-environment", "--fresh-environment")
    assert (code, stand.asked) == (ExitCode.USAGE, [])
    assert "exclude each other" in output


def test_scripts_get_one_document_and_the_exit_code(stand: Stand) -> None:
    stand.ended["reproduction"] = DIFFERENT
    code, output = run("--json", "--in-present-environment")
    assert (code, stand.asked[0]["environment"]) == (ExitCode.FAILED, "present")
    assert json.loads(output)["reproduction"]["metrics"][0]["difference"] == -0.03


def test_who_does_not_wait_is_told_how_to_look(stand: Stand) -> None:
    code, output = run("--no-wait")
    assert (code, stand.looks) == (ExitCode.DONE, 0)
    assert "run r-2 repeats r-1" in output
