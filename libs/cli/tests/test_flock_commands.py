"""The commands about the flock: what people read, what scripts get, and the exit codes."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from murmur_cli import flock_commands, flock_view
from murmur_cli.flock_commands import since_when
from murmur_cli.shell import ExitCode, Unusable
from murmur_runtime.doctor import Finding, Severity
from murmur_runtime.flock import Status
from murmur_runtime.home import Home
from murmur_runtime.logs import LogLine
from murmur_runtime.processes import Role
from murmur_runtime.progress import Downloading, ProcessChanged, Step
from murmur_runtime.reports import ServiceReport
from murmur_runtime.state import Phase, ProcessState

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)

app = typer.Typer()
flock_commands.add_to(app)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A place where no flock was ever raised."""
    monkeypatch.setenv("MURMUR_HOME", str(tmp_path))
    return Home(tmp_path)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def printed(*things: object) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    for thing in things:
        console.print(thing)
    return console.export_text()


def process(phase: Phase, **facts: object) -> ProcessState:
    return ProcessState.model_validate(
        {"name": "trainer", "role": Role.SERVICE, "port": 8092, "phase": phase, "since": NOON, **facts}
    )


def test_status_of_no_flock_says_how_to_raise_one_and_exits_as_not_reachable(home: Home) -> None:
    code, output = run("status")

    assert code == ExitCode.NOT_REACHABLE
    assert "murmur up" in output


def test_status_for_scripts_is_one_document(home: Home) -> None:
    code, output = run("status", "--json")

    assert code == ExitCode.NOT_REACHABLE
    assert json.loads(output)["ready"] is False


def test_down_where_nothing_is_up_is_done(home: Home) -> None:
    code, output = run("down")

    assert code == ExitCode.DONE
    assert "No flock is up" in output


def test_logs_of_a_process_that_never_ran_is_wrong_usage_and_names_those_that_did(home: Home) -> None:
    home.create()
    home.log("kafka").write_text("")

    code, output = run("logs", "trainre")

    assert code == ExitCode.USAGE
    assert "'trainre'" in output
    assert "kafka" in output


def test_logs_for_scripts_are_the_lines_as_they_are(home: Home) -> None:
    home.create()
    line = json.dumps({"timestamp": NOON.isoformat(), "event": "run started", "run": "r-1"})
    home.log("trainer").write_text(line + "\n")

    code, output = run("logs", "--json")

    assert (code, output) == (ExitCode.DONE, line + "\n")


def test_a_setting_that_cannot_be_is_wrong_usage(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MURMUR_PORT", "80")

    code, output = run("down")

    assert code == ExitCode.USAGE
    assert "MURMUR_PORT" in output


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30s", NOON - timedelta(seconds=30)),
        ("10m", NOON - timedelta(minutes=10)),
        ("2h", NOON - timedelta(hours=2)),
        ("1d", NOON - timedelta(days=1)),
        ("2026-11-25T11:00:00+00:00", NOON - timedelta(hours=1)),
    ],
)
def test_since_takes_a_length_of_time_or_a_time(text: str, moment: datetime) -> None:
    assert since_when(text, NOON) == moment


def test_since_takes_nothing_else() -> None:
    with pytest.raises(Unusable, match="'yesterday'"):
        since_when("yesterday", NOON)


def test_the_table_shows_phase_and_numbers_and_what_ails_it() -> None:
    sick = process(Phase.BACKING_OFF, detail="ended with exit code 3", restarts=4)
    report = ServiceReport(service="trainer", ready=False, lag=1234, parked=2)

    text = printed(flock_view.flock_table(Status(1, (sick,)), {"trainer": report}), *flock_view.complaints((sick,)))

    assert "backing off" in text
    assert "1,234" in text
    assert "trainer: ended with exit code 3" in text


def test_a_json_line_is_shown_as_event_and_data_and_any_other_as_it_is() -> None:
    fields = {"timestamp": "…", "level": "warning", "event": "job lost", "job": "[j-1]"}

    text = printed(
        flock_view.log_text(LogLine(NOON, "trainer", "…", fields)),
        flock_view.log_text(LogLine(NOON, "kafka", "WARN [Controller id=1] moved")),
    )

    assert "job lost  job=[j-1]" in text
    assert "WARN [Controller id=1] moved" in text


def test_progress_tells_what_is_downloaded_how_large_and_who_is_ready() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    with flock_view.progress_on(console) as emit:
        emit(Downloading("Kafka", 0, 45_000_000))
        emit(Downloading("Kafka", 45_000_000, 45_000_000))
        emit(Step("Formatting the broker's storage"))
        emit(ProcessChanged("kafka", Phase.STARTING))
        emit(ProcessChanged("kafka", Phase.READY, seconds=2.04))
    text = console.export_text()

    assert "Downloading Kafka, 45 MB" in text
    assert "Formatting the broker's storage" in text
    assert "ready after 2.0 s" in text


def test_a_process_that_ends_again_and_again_is_told_once() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    with flock_view.progress_on(console) as emit:
        for _ in range(3):
            emit(ProcessChanged("trainer", Phase.BACKING_OFF, "ended with exit code 3"))
            emit(ProcessChanged("trainer", Phase.STARTING))

    assert console.export_text().count("exit code 3") == 1


def test_a_finding_comes_with_its_advice() -> None:
    text = printed(flock_view.findings_table([Finding("disk", Severity.PROBLEM, "only 0.1 GiB free", "Free some.")]))

    assert "only 0.1 GiB free" in text
    assert "Free some." in text


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0 s"), (59, "59 s"), (240, "4 min"), (7200, "2 h"), (2e5, "2 d")])
def test_lengths_of_time_read_as_people_say_them(seconds: float, text: str) -> None:
    assert flock_view.span(seconds) == text
