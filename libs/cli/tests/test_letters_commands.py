"""The commands about dead letters, against a service's own REST API on a real socket."""

import asyncio
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from fastapi import FastAPI
from stand_in import answering
from typer.testing import CliRunner

from murmur_cli import letters_commands
from murmur_cli.shell import ExitCode
from murmur_events import Envelope, to_record
from murmur_events.training import TrainingRequested, Trigger
from murmur_kernel import letters
from murmur_kernel.consuming import Dead
from murmur_kernel.service import Service
from murmur_kernel.settings import KernelSettings
from murmur_kernel.store import MemoryStore, RawRecord
from murmur_kernel.unit_of_work import UnitOfWork

commands = typer.Typer()
letters_commands.add_to(commands)


def broken(number: int, **value: object) -> RawRecord:
    event = TrainingRequested(
        workflow="credit", trigger=Trigger(kind="manual", key=f"k{number}"), as_of="2026-01-01T00:00:00Z"
    )
    service = Service("trainer", KernelSettings(), unit_of_work=UnitOfWork, kinds=(), store=MemoryStore())
    wire = to_record(
        Envelope(
            id=f"letter-{number}",
            source="client",
            topic="training.requested",
            key="credit",
            time=service.clock.now(),
            sequence=number,
            correlation_id="c",
            causation_id=None,
            event=event,
        )
    )
    body = {**json.loads(wire.value), **value}
    return RawRecord(
        topic=wire.topic,
        partition=0,
        offset=number,
        key="credit",
        value=json.dumps(body).encode(),
        headers=wire.headers,
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryStore]:
    """A trainer with two letters behind a front door of its own; the other services are away."""
    store = MemoryStore()
    service = Service("trainer", KernelSettings(home=tmp_path), unit_of_work=UnitOfWork, kinds=(), store=store)
    door = FastAPI()
    door.mount("/trainer", service.app(title="Trainer"))
    for number, error in ((1, "InvalidPayload"), (2, "RuntimeError")):
        dead = Dead(error, "revision: it should be at least 1")
        asyncio.run(letters.bury(service.dispatcher, broken(number, revision=0), dead))
    with answering(door, tmp_path, monkeypatch):
        yield store


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(commands, ["dead-letters", *arguments])
    return result.exit_code, result.output


def test_letters_are_listed_by_what_they_died_of(store: MemoryStore) -> None:
    code, output = run("list", "--error", "InvalidPayload", "--service", "trainer", "--json")
    assert code == ExitCode.DONE
    assert [letter["id"] for letter in json.loads(output)] == ["letter-1"]


def test_a_letter_is_shown_with_the_complaint_of_its_schema_and_the_next_commands(store: MemoryStore) -> None:
    code, output = run("show", "letter-1")
    assert code == ExitCode.DONE
    for words in (
        "revision",
        "greater than or equal to 1",
        "ce_id",
        '"workflow": "credit"',
        "dead-letters edit letter-1",
    ):
        assert words in output


def test_a_field_is_set_and_the_letter_redriven(store: MemoryStore) -> None:
    code, output = run("edit", "letter-1", "--set", "revision=2", "--reason", "the client sent 0", "--by", "olga")
    assert (code, "version 2 and fits its schema" in output) == (ExitCode.DONE, True)
    letter = asyncio.run(store.letter("letter-1"))
    assert letter is not None
    assert (json.loads(letter.record.value)["revision"], letter.edits[0].by) == (2, "olga")
    assert run("redrive", "letter-1")[0] == ExitCode.DONE
    assert [parked.id for parked in asyncio.run(store.parked())] == ["letter-1"]


def test_an_editor_is_opened_where_nothing_else_is_said(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i \'s/"revision": 0/"revision": 7/\' "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VISUAL", str(editor))
    assert run("edit", "letter-1", "--reason", "r")[0] == ExitCode.DONE
    monkeypatch.setenv("VISUAL", "true")
    code, output = run("edit", "letter-1", "--reason", "r")
    assert (code, "nothing was changed" in output) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    ("letter", "assignment", "code", "words"),
    [
        ("letter-1", "revision=-1", ExitCode.FAILED, "its schema still says no: revision"),
        ("letter-1", "trigger.nowhere.deep=1", ExitCode.USAGE, "has no place"),
        ("letter-2", "revision=2", ExitCode.FAILED, "it died of RuntimeError"),
        ("letter-", "revision=2", ExitCode.USAGE, "2 dead letters have an id"),
    ],
)
def test_what_may_not_be_edited_says_why(
    store: MemoryStore, letter: str, assignment: str, code: ExitCode, words: str
) -> None:
    found, output = run("edit", letter, "--set", assignment, "--reason", "r")
    assert (found, words in " ".join(output.split())) == (code, True)


def test_all_that_fit_are_redriven_in_their_order(store: MemoryStore) -> None:
    code, output = run("redrive", "--all", "--topic", "training.requested", "--json")
    assert code == ExitCode.DONE
    assert json.loads(output[output.index("{") :]) == {"trainer": 2}
    assert [parked.id for parked in asyncio.run(store.parked())] == ["letter-1", "letter-2"]


def test_a_discard_needs_a_reason(store: MemoryStore) -> None:
    assert run("discard", "letter-2")[0] == ExitCode.USAGE
    assert run("discard", "letter-2", "--reason", "sent by a test")[0] == ExitCode.DONE
    assert asyncio.run(store.letter("letter-2")) is None
