"""`murmur compare`, against a stand-in for tracking on a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi import FastAPI, Request
from stand_in import answering
from typer.testing import CliRunner

from murmur_cli import compare_commands
from murmur_cli.shell import ExitCode

commands = typer.Typer()
compare_commands.add_to(commands)


def row(name: str, *values: Any) -> dict[str, Any]:
    return {"name": name, "differs": len(set(values)) > 1, "values": values}


ANSWER = {
    "runs": [{"run_id": name, "name": name, "status": "completed"} for name in ("one", "two")],
    "parameters": [row("eta", "0.1", "0.2"), row("depth", "4", "4")],
    "metrics": [row("auc", 0.75, 0.75)],
    "circumstances": [row("user", "ann", "bob")],
    "histories": [],
    "environment": {"known": [True, False], "same": 41, "rows": [row("xgboost", "3.0.0", "3.1.0")]},
    "code": {
        "known": [True, True],
        "differences": [{"run": "two", "against": "one", "file": "train.py", "lines": ["-old[0]", "+new[0]"]}],
    },
    "unread": {"two": ["environment: it was changed"]},
}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    app, heard = FastAPI(), list[str]()

    @app.get("/tracking/v1/compare")
    async def compare(request: Request) -> dict[str, Any]:
        heard.append(str(request.query_params))
        heard.append(request.headers["X-Murmur-Workspace"])
        return ANSWER

    with answering(app, tmp_path, monkeypatch):
        yield heard


def run(*arguments: str) -> str:
    result = CliRunner().invoke(commands, ["one", "two", *arguments])
    assert result.exit_code == ExitCode.DONE, result.output
    return result.output


def test_what_differs_is_shown_and_the_rest_counted(asked: list[str]) -> None:
    output = run()
    assert asked == ["run=one&run=two&files=true", "default"]
    assert "eta" in output
    assert "depth" not in output
    assert output.index("eta") < output.index("auc") < output.index("xgboost") < output.index("+new[0]")
    assert "1 parameters and circumstances and 41 properties" in output
    assert "no environment is kept of two" in output
    assert "two: environment: it was changed" in output


def test_runs_of_another_workspace_are_compared_where_it_is_named(asked: list[str]) -> None:
    run("--workspace", "team-b")
    assert asked[1] == "team-b"


def test_all_shows_what_is_alike_too(asked: list[str]) -> None:
    assert "depth" in run("--all")


def test_scripts_get_the_whole_answer(asked: list[str]) -> None:
    assert json.loads(run("--json", "--history", "auc"))["runs"] == ANSWER["runs"]
    assert asked == ["run=one&run=two&files=true&histories=auc", "default"]
