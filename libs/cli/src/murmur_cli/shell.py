"""What every command shares: where the flock is, how answers and errors are shown, and with which exit code it ends."""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from murmur_access import AccessError, BrokerAccess, BrokerSettings
from murmur_access.rules import CONSOLE
from murmur_cli import signing_in
from murmur_cli.demo.stage import StoryStopped
from murmur_cli.door import DoorError, FrontDoor, NotReachable, Rejected
from murmur_cli.picture import NothingToDraw
from murmur_ledger.errors import LedgerError
from murmur_runtime import profiles
from murmur_runtime.errors import RuntimeProblem
from murmur_runtime.settings import FlockSettings

T = TypeVar("T")

_FILE_WIDTH = 160
"""Columns of a line that goes to a file or a pipe, where nobody's window says how many."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _FILE_WIDTH)

Workspace = Annotated[str, typer.Option(help="The team's workspace, in which the runs are.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table, for scripts.")]


class ExitCode(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_REACHABLE = 3


class Unusable(Exception):
    """Something a person asked for cannot be done as it was written; `advice` says what to type instead."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


def settings(**told: Any) -> FlockSettings:
    """Where the flock is, from MURMUR_HOME and MURMUR_PORT, and as what it was raised; `told` goes before both."""
    return profiles.recall(FlockSettings(**{name: value for name, value in told.items() if value is not None}))


def front_door() -> FrontDoor:
    """The flock's, as whoever is signed in here. Raises TooOpen."""
    here = settings()
    return FrontDoor(here.front_door, token=signing_in.token_of(here), trusted=here.tls_ca or here.tls_cert)


def broker() -> BrokerAccess:
    """A way to read what the broker has: as MURMUR_KAFKA_… say, else as this flock's console may."""
    told = BrokerSettings()
    return told.broker_access if told.kafka_protocol.asks_who else settings().access_as(CONSOLE)


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of the command's work; its errors end the process in a way people and scripts understand."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with explained():
        return asyncio.run(work)


def call(work: Callable[[FrontDoor], Awaitable[T]], *, workspace: str | None = None) -> T:
    """Like run, for work that only needs the front door. workspace: in which things are meant."""

    async def through_the_door() -> T:
        async with front_door() as door:
            if workspace is not None:
                door.enter(workspace)
            return await work(door)

    return run(through_the_door())


@contextmanager
def explained() -> Iterator[None]:
    """Shows errors as: what is wrong with which value, why, and what to type next."""
    try:
        yield
    except NotReachable as error:
        _end(str(error), error.advice, ExitCode.NOT_REACHABLE)
    except Rejected as error:
        _show_mistakes(error.problem.get("mistakes", ()))
        _end(str(error), "", ExitCode.FAILED)
    except Unusable as error:
        _end(str(error), error.advice, ExitCode.USAGE)
    except (RuntimeProblem, AccessError, DoorError, NothingToDraw, StoryStopped, LedgerError) as error:
        _end(str(error), getattr(error, "advice", ""), ExitCode.FAILED)
    except ValidationError as error:
        wrong = "; ".join(f"MURMUR_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        _end(f"the environment sets something that cannot be: {wrong}", "", ExitCode.USAGE)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def show(rows: Sequence[dict[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Rows as a table for people, or as they are for scripts. `empty` teaches what would fill the table."""
    if as_json:
        show_json(rows)
    elif not rows:
        out.print(f"[dim]{empty}[/dim]")
    else:
        table = Table(box=None, header_style="dim", pad_edge=False)
        for column in columns:
            table.add_column(column.replace("_", " "))
        for row in rows:
            table.add_row(*(_cell(row.get(column)) for column in columns))
        out.print(table)


def show_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _show_mistakes(mistakes: Sequence[dict[str, Any]]) -> None:
    """Mistakes in a file, as a compiler shows them."""
    for mistake in mistakes:
        if "line" not in mistake:
            continue
        place = ":".join(str(mistake[part]) for part in ("file", "line", "column") if mistake.get(part) is not None)
        err.print(f"[bold]{escape(place)}[/bold]: [red]error:[/red] {escape(mistake['message'])}")
        if mistake.get("text"):
            err.print(f"    {mistake['text']}", markup=False)
            err.print(" " * (3 + int(mistake.get("column") or 1)) + "[red]^[/red]")
        if mistake.get("expected"):
            err.print(f"    expected: {mistake['expected']}", markup=False)


def _end(message: str, advice: str, code: ExitCode) -> None:
    err.print(f"[red]error:[/red] {escape(message)}", soft_wrap=True)
    if advice:
        err.print(f"[dim]{escape(advice)}[/dim]", soft_wrap=True)
    raise SystemExit(int(code)) from None
