"""`murmur share`, `shares` and `unshare`, against a stand-in for tracking on a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi import FastAPI, Request
from stand_in import answering
from typer.testing import CliRunner

from murmur_cli import share_commands
from murmur_cli.shell import ExitCode

commands = typer.Typer()
share_commands.add_to(commands)
SHARE = {"id": "s1", "run_id": "r", "by": "ann", "reason": "", "expires_at": "2026-12-07T08:00:00Z", "seen": 3}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    app, heard = FastAPI(), list[Any]()

    @app.post("/tracking/v1/runs/r/shares")
    async def share(body: dict[str, Any], request: Request) -> dict[str, Any]:
        heard.append((request.headers["X-Murmur-Workspace"], body))
        return SHARE | {"link": "/shared/token"}

    @app.get("/tracking/v1/runs/r/shares")
    async def shares(request: Request) -> dict[str, Any]:
        heard.append(request.headers["X-Murmur-Workspace"])
        return {"items": [SHARE]}

    @app.delete("/tracking/v1/shares/s1")
    async def unshare(request: Request) -> dict[str, Any]:
        heard.append(dict(request.query_params))
        return SHARE

    with answering(app, tmp_path, monkeypatch):
        yield heard


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, list(arguments))
    return result.exit_code, result.output


def test_a_link_is_made_at_the_front_door(asked: list[Any]) -> None:
    code, output = run("share", "r", "--expires", "12h", "--by", "ann", "--json")
    assert code == ExitCode.DONE, output
    assert asked == [("default", {"expires_in": 43200, "reason": "", "by": "ann"})]
    link = json.loads(output)["link"]
    assert link.startswith("http://127.0.0.1:")
    assert link.endswith("/shared/token")
    assert link in run("share", "r", "--workspace", "team-b")[1]
    assert asked[1][0] == "team-b"


def test_shares_are_listed_and_taken_back(asked: list[Any]) -> None:
    assert "s1" in run("shares", "r")[1]
    assert "seen 3 times" in run("unshare", "s1", "--by", "bob")[1]
    assert "s1" in run("shares", "r", "--workspace", "team-b")[1]
    assert asked == ["default", {"by": "bob"}, "team-b"]


def test_a_time_that_is_none_is_explained(asked: list[Any]) -> None:
    code, output = run("share", "r", "--expires", "soon")
    assert (code, asked) == (ExitCode.USAGE, [])
    assert "'soon'" in output
