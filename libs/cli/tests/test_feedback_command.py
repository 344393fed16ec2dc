"""`murmur feedback`, against the monitor's own REST API on a real socket."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import typer
from fastapi import FastAPI
from stand_in import answering
from typer.testing import CliRunner

from murmur_cli import feedback_commands, main
from murmur_cli.shell import ExitCode

commands = typer.Typer()
feedback_commands.add_to(commands)


class Heard:
    """What the door was sent: a stand-in for the monitor with its two answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, list[dict[str, object]]]] = []

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/monitor/v1/deployments/{name}/feedback")
        async def feedback(name: str, body: dict[str, object]) -> dict[str, object]:
            rows = body["rows"]
            assert isinstance(rows, list)
            self.calls.append((name, str(body["source"]), rows))
            return {"deployment": name, "labels": len(rows), "correlation_id": "c"}

        @app.get("/monitor/v1/deployments/{name}/labels")
        async def labels(name: str) -> dict[str, object]:
            return {"deployment": name, "joined": 2, "waiting": 1, "too_late": 0, "unmatched": 0}

        return app


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    heard = Heard()
    with answering(heard.app(), tmp_path, monkeypatch):
        yield heard


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(commands, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def csv(path: Path) -> Path:
    path.write_text("request_id,label,time\n007,1,2026-01-01T00:00:00Z\n008,0,\n")
    return path


def as_parquet(path: Path) -> Path:
    parquet.write_table(pa.table({"request_id": ["007", "008"], "label": [True, False]}), path)
    return path


def test_it_is_a_command_of_murmur() -> None:
    assert "feedback" in {command.name for command in main.app.registered_commands}


@pytest.mark.parametrize(("write", "name"), [(csv, "labels.csv"), (as_parquet, "labels.parquet")])
def test_labels_of_a_file_are_sent(heard: Heard, tmp_path: Path, write: Callable[[Path], Path], name: str) -> None:
    code, output = run("credit", write(tmp_path / name), "--source", "clicks")
    assert code == ExitCode.DONE, output
    ((deployment, source, rows),) = heard.calls
    assert (deployment, source) == ("credit", "clicks")
    assert [(row["request_id"], row["label"]) for row in rows] == [("007", 1.0), ("008", 0.0)]
    assert [row.get("time") for row in rows] == (["2026-01-01T00:00:00Z", None] if name.endswith("csv") else [None] * 2)
    assert "2 labels of credit sent" in output
    assert "1 wait" in output


def test_scripts_get_one_document(heard: Heard, tmp_path: Path) -> None:
    code, output = run("credit", csv(tmp_path / "labels.csv"), "--json")
    assert (code, json.loads(output)["labels"]) == (ExitCode.DONE, 2)


def test_many_labels_go_in_portions(heard: Heard, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("request_id,label\n" + "".join(f"q-{row},1\n" for row in range(12_000)))
    assert run("credit", path)[0] == ExitCode.DONE
    assert [len(rows) for _, _, rows in heard.calls] == [5_000, 5_000, 2_000]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id,label\n1,1\n", "has no column 'request_id'"),
        ("request_id,label\nq-1,1\nq-2,\n", "row 2: label None of request 'q-2' is no number"),
        ("request_id,label\n,1\n", "row 1: request_id '' names no request"),
        ("request_id,label\nq-1,1\nq-1,0\n", "row 2: request 'q-1' has the labels 1.0 and 0.0"),
        ("request_id,label\nq-1,yes\n", "cannot be read"),
        ("request_id,label\n", "has no rows"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_before_anything_is_sent(
    heard: Heard, tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    code, output = run("credit", path)
    assert code == ExitCode.USAGE
    assert complaint in " ".join(output.split())
    assert heard.calls == []
