"""`murmur rollback`, against a stand-in for the deployer on a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from stand_in import answering
from typer.testing import CliRunner

from murmur_cli import rollback_commands
from murmur_cli.shell import ExitCode

commands = typer.Typer()
rollback_commands.add_to(commands)


class Stand:
    """How the deployment stands, and what was asked of it."""

    def __init__(self) -> None:
        self.seen: dict[str, object] = {"canary": None, "serving_version": 2, "previous_version": 1}
        self.asked: list[dict[str, object]] = []
        self.refuses = False

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/deployer/v1/deployments/credit")
        async def deployment() -> dict[str, object]:
            return self.seen

        @app.post("/deployer/v1/deployments/credit/rollback", response_model=None)
        async def rollback(body: dict[str, object]) -> dict[str, object] | JSONResponse:
            self.asked.append(body)
            if self.refuses:
                return JSONResponse({"detail": "version 2 of 'credit' is not there to go"}, 409)
            return self.seen

        return app


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    stand = Stand()
    with answering(stand.app(), tmp_path, monkeypatch):
        yield stand


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["credit", "--reason", "no", *arguments])
    return result.exit_code, result.output


def test_what_serves_is_shown_and_named(stand: Stand) -> None:
    code, output = run("--by", "ann")
    assert code == ExitCode.DONE, output
    assert stand.asked == [{"version": 2, "by": "ann", "reason": "no"}]
    assert "v2 serves as credit: v2 shall go" in output
    assert "credit goes back from v2 to v1" in output


def test_a_canary_goes_first(stand: Stand) -> None:
    stand.seen["canary"] = {"version": 3, "weight": 0.1}
    code, output = run()
    assert (code, stand.asked[0]["version"]) == (ExitCode.DONE, 3)
    assert "v3 as its canary at 10%: v3 shall go" in output
    assert "credit goes back from v3 to v2" in output


def test_what_has_gone_already_is_said(stand: Stand) -> None:
    stand.refuses = True
    code, output = run()
    assert code == ExitCode.FAILED
    assert "version 2 of 'credit' is not there to go" in output


def test_where_nothing_serves_nothing_is_asked(stand: Stand) -> None:
    stand.seen["serving_version"] = None
    code, output = run()
    assert (code, stand.asked) == (ExitCode.USAGE, [])
    assert "nothing serves as 'credit'" in output


def test_scripts_get_one_document(stand: Stand) -> None:
    code, output = run("--json")
    assert (code, json.loads(output)["serving_version"]) == (ExitCode.DONE, 2)
