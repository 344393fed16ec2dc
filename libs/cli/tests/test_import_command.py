"""`murmur import mlflow` as people type it, between two servers on real sockets."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from mlflow_contents import filled
from mlflow_worlds import Front, World
from stand_in import answering
from starlette.responses import PlainTextResponse
from typer.testing import CliRunner, Result

from murmur_cli.import_commands import address_of, credentials
from murmur_cli.main import app
from murmur_cli.shell import ExitCode, Unusable


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that holds a little of everything."""
    with answering(Front(tmp_path / "there"), tmp_path, monkeypatch):
        address = f"http://127.0.0.1:{os.environ['MURMUR_PORT']}"
        asyncio.run(_fill(address))
        yield address


@pytest.fixture
def flock(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the command line finds it."""
    with answering(Front(tmp_path / "here"), tmp_path, monkeypatch):
        yield


async def _fill(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as http:
        await filled(World(Path(), None, http))  # type: ignore[arg-type]  # nobody watches its calls


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["import", "mlflow", *arguments])


def counts(answer: Result) -> dict[str, Any]:
    assert answer.exit_code == ExitCode.DONE, answer.output
    return {kind: tuple(told.values()) for kind, told in json.loads(answer.stdout)["kinds"].items()}


def test_scripts_get_the_counts_of_what_was_taken_and_was_there(source: str, flock: None) -> None:
    assert counts(run("--from", source, "--json")) == {
        "experiments": (2, 0, 1, 0),
        "logged_models": (1, 0, 0, 0),
        "runs": (5, 0, 0, 0),
        "files": (4, 0, 0, 0),
        "registered_models": (2, 0, 0, 0),
        "versions": (3, 0, 0, 0),
    }
    again = counts(run("--from", f"{source}/", "--json"))
    assert again["runs"] == (0, 0, 5, 0)
    assert again["versions"] == (0, 0, 3, 0)


def test_people_get_a_table(source: str, flock: None) -> None:
    answer = run("--from", source, "--workspace", "team-b")
    assert answer.exit_code == ExitCode.DONE, answer.output
    assert "brought up to date" in answer.stdout
    assert "registered models" in answer.stdout


def test_what_is_left_is_told_with_its_reason_and_fails(source: str, flock: None) -> None:
    run("--from", source, "--workspace", "team-b")
    answer = run("--from", source, "--workspace", "team-c")
    assert answer.exit_code == ExitCode.FAILED
    assert "left, runs:" in answer.stdout
    assert "belongs to a run of another workspace" in answer.stdout


@pytest.mark.parametrize(
    ("uri", "reason"),
    [("mlruns", "no http:// or https:// URI"), ("sqlite:///mlflow.db", "read by the server"), ("http://x:y", "no URI")],
)
def test_what_is_no_address_of_a_server_is_wrong_usage(source: str, flock: None, uri: str, reason: str) -> None:
    answer = run("--from", uri)
    assert answer.exit_code == ExitCode.USAGE
    assert reason in " ".join(answer.stderr.split())


def test_an_experiment_that_is_not_there_is_wrong_usage(source: str, flock: None) -> None:
    answer = run("--from", source, "--experiment", "churm")
    assert answer.exit_code == ExitCode.USAGE
    assert "no experiment 'churm'; it has 'Default', 'churn', 'old'" in answer.stderr


def test_the_flock_itself_is_no_source(source: str, flock: None) -> None:
    answer = run("--from", f"http://127.0.0.1:{os.environ['MURMUR_PORT']}")
    assert answer.exit_code == ExitCode.USAGE
    assert "is this flock itself" in answer.stderr


def test_a_server_that_is_no_mlflow_is_said_so(
    source: str, flock: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = os.environ["MURMUR_PORT"]
    with answering(FastAPI(), tmp_path, monkeypatch):
        other = os.environ["MURMUR_PORT"]
        monkeypatch.setenv("MURMUR_PORT", port)
        answer = run("--from", f"http://127.0.0.1:{other}")
    assert answer.exit_code == ExitCode.FAILED
    assert "is no MLflow tracking server" in answer.stderr
    assert "Traceback" not in answer.output


def test_a_server_that_is_not_there_is_told_at_once(source: str, flock: None) -> None:
    answer = run("--from", "http://127.0.0.1:1")
    assert answer.exit_code == ExitCode.NOT_REACHABLE
    assert "http://127.0.0.1:1 does not answer" in answer.stderr


def test_a_token_that_is_refused_is_said_so(
    source: str, flock: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, shut = os.environ["MURMUR_PORT"], FastAPI()
    seen: list[str | None] = []

    @shut.middleware("http")
    async def refuse(request: Any, call_next: Any) -> Any:
        seen.append(request.headers.get("authorization"))
        return PlainTextResponse("You are not authenticated", 401)

    with answering(shut, tmp_path, monkeypatch):
        other = os.environ["MURMUR_PORT"]
        monkeypatch.setenv("MURMUR_PORT", port)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cret")
        answer = run("--from", f"http://127.0.0.1:{other}")
    assert answer.exit_code == ExitCode.FAILED
    assert "lets nobody in" in answer.stderr
    assert "MLFLOW_TRACKING_TOKEN" in answer.stderr
    assert seen == ["Bearer s3cret"]
    assert "s3cret" not in answer.output


def test_credentials_are_shown_as_mlflows_client_shows_them() -> None:
    both = {"MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p", "MLFLOW_TRACKING_TOKEN": "t"}
    assert "auth" in credentials("http://x", both)
    assert credentials("http://x", {"MLFLOW_TRACKING_TOKEN": "t"}) == {"headers": {"Authorization": "Bearer t"}}
    assert credentials("http://x", {"MLFLOW_TRACKING_USERNAME": "u"}) == {}
    assert "auth" in credentials("http://ada:pw@x", {})


def test_credentials_in_the_address_are_told_to_nobody() -> None:
    assert address_of("https://ada:pw@mlflow.example.com:8443/team/") == "https://mlflow.example.com:8443/team"
    with pytest.raises(Unusable):
        address_of("ftp://x")
