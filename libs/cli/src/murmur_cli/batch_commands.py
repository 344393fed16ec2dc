"""Commands that have whole files scored by what serves."""

import asyncio
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from murmur_cli import shell
from murmur_cli.door import DoorError, FrontDoor, Json
from murmur_cli.shell import AsJson, Unusable

_KINDS = {".parquet": "application/vnd.apache.parquet", ".csv": "text/csv"}
_LOOK_EVERY = 0.5

BatchName = Annotated[str, typer.Argument(help="Id of the batch: murmur batches list.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Where to put it: .parquet or .csv. Without it beside the data.")
]


class BatchEnded(DoorError):
    """The flock could not score it, and says why."""

    def __init__(self, batch: Json) -> None:
        super().__init__(f"batch {batch['id']} failed, {str(batch['cause']).replace('_', ' ')}: {batch['message']}")
        self.advice = f"its story: murmur events --correlation {batch['correlation_id'][:8]}"


class Spoiled(DoorError):
    """What arrived is not what the flock has."""


def add_to(app: typer.Typer) -> None:
    app.command("score")(score)
    batches = typer.Typer(help="Files that are scored as a whole: list, fetch, cancel.", no_args_is_help=True)
    batches.command("list")(list_batches)
    batches.command("fetch")(fetch)
    batches.command("cancel")(cancel)
    app.add_typer(batches, name="batches")


def score(
    deployment: Annotated[str, typer.Argument(help="Name of the deployment: that of its model.")],
    data: Annotated[Path, typer.Argument(help="Parquet or CSV: a column for each input of the model, nothing else.")],
    output: Output = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="Only by this version; without it by the one that serves.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score every row of a file, by the model that serves. Row n of the output is row n of the data.

    Example: [bold]murmur score credit customers.parquet -o scores.parquet[/bold]
    Example: [bold]murmur score credit customers.csv -o scores.csv --version 3[/bold]
    """
    with shell.explained():
        kind, to = _kind_of(data), _destination(data, output)

    async def work(door: FrontDoor) -> Json:
        with _bars(shown=not as_json) as bars:
            given = await _send(door, data, kind, bars)
            wish = {"deployment": deployment, "version": version, "input": given["sha256"], "by": door.signature(None)}
            batch = await door.post("/deployer/v1/batches", wish)
            if not as_json:
                shell.err.print(f"[dim]batch {batch['id']} goes on without this window: murmur batches list[/dim]")
            batch = await _ended(door, batch, given["rows"], bars)
        await _fetch(door, batch, to)
        return {**batch, "output": str(to)}

    started = time.monotonic()
    batch = shell.call(work)
    if as_json:
        shell.show_json(batch)
        return
    refused = f", {batch['failed_rows']:,} of them refused (column error says why)" if batch["failed_rows"] else ""
    shell.out.print(
        f"{batch['rows']:,} rows scored by {deployment} v{batch['version']}{refused}"
        f" in {time.monotonic() - started:.1f} s: {to}",
        soft_wrap=True,
    )


def list_batches(
    deployment: Annotated[str | None, typer.Option(help="Only of this deployment.")] = None,
    state: Annotated[str | None, typer.Option(help="waiting, scoring, completed or failed.")] = None,
    as_json: AsJson = False,
) -> None:
    """List batches, newest first.

    Example: [bold]murmur batches list --deployment credit --state scoring[/bold]
    """
    rows = shell.call(lambda door: door.items("/deployer/v1/batches", deployment=deployment, state=state))
    shell.show(
        rows,
        ("id", "deployment", "version", "state", "rows_done", "rows", "rate", "by", "message"),
        as_json=as_json,
        empty="no batch yet: murmur score <deployment> data.parquet",
    )


def fetch(batch: BatchName, output: Output = None, as_json: AsJson = False) -> None:
    """Fetch the output of a batch that is completed.

    Example: [bold]murmur batches fetch b-0d6f2a41c0de4b57 -o scores.parquet[/bold]
    """
    with shell.explained():
        to = _destination(Path(f"{batch}.parquet"), output)

    async def work(door: FrontDoor) -> Json:
        found = await door.get(f"/deployer/v1/batches/{batch}")
        await _fetch(door, found, to)
        return {**found, "output": str(to)}

    answer = shell.call(work)
    if as_json:
        shell.show_json(answer)
    else:
        shell.out.print(f"{answer['rows']:,} rows: {to}", soft_wrap=True)


def cancel(batch: BatchName, as_json: AsJson = False) -> None:
    """Call a batch off: it is scored no further, and has no output.

    Example: [bold]murmur batches cancel b-0d6f2a41c0de4b57[/bold]
    """
    answer = shell.call(lambda door: door.post(f"/deployer/v1/batches/{batch}/cancel"))
    if as_json:
        shell.show_json(answer)
    else:
        shell.out.print(f"batch {batch} cancelled after {answer['rows_done']:,} rows")


class _Bars:
    """One bar for each stage; none where nobody looks."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, what: str, total: int) -> None:
        if self._progress is not None:
            self._task = self._progress.add_task(what, total=total, note="")

    def by(self, more: int) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, more)

    def at(self, done: int, note: str) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done, note=note)


@contextmanager
def _bars(*, shown: bool) -> Iterator[_Bars]:
    if not shown:
        yield _Bars(None)
        return
    columns = (
        TextColumn("{task.description:<6}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[note]}", style="dim"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=shell.err) as progress:
        yield _Bars(progress)


async def _send(door: FrontDoor, data: Path, kind: str, bars: _Bars) -> Json:
    bars.begin("send", data.stat().st_size)
    return await door.send_file("/deployer/v1/batch-inputs", data, kind=kind, sent=bars.by)


async def _ended(door: FrontDoor, batch: Json, rows: int, bars: _Bars) -> Json:
    """Once it is completed. Raises BatchEnded."""
    bars.begin("score", rows)
    while batch["ended_at"] is None:
        await asyncio.sleep(_LOOK_EVERY)
        batch = await door.get(f"/deployer/v1/batches/{batch['id']}")
        rate = f"{batch['rate']:,.0f} rows/s" if batch["rate"] else batch["state"]
        bars.at(batch["rows_done"], rate)
    if batch["state"] != "completed":
        raise BatchEnded(batch)
    return batch


async def _fetch(door: FrontDoor, batch: Json, to: Path) -> None:
    """Raises Rejected, Spoiled."""
    format = to.suffix.removeprefix(".")
    await door.fetch_file(f"/deployer/v1/batches/{batch['id']}/output", to, format=format)
    if format == "parquet":
        with to.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != batch["output_sha256"]:
            raise Spoiled(f"{str(to)!r} has sha256 {found}, the output has {batch['output_sha256']}: fetch it again")


def _kind_of(data: Path) -> str:
    if not data.is_file():
        raise Unusable(f"there is no file {str(data)!r}")
    if data.suffix not in _KINDS:
        raise Unusable(f"{str(data)!r} is neither .parquet nor .csv", advice="save it as one of them")
    return _KINDS[data.suffix]


def _destination(data: Path, output: Path | None) -> Path:
    to = output or data.with_name(f"{data.stem}.scored.parquet")
    if to.suffix not in _KINDS:
        raise Unusable(f"the output {str(to)!r} can be .parquet or .csv")
    if not to.parent.is_dir():
        raise Unusable(f"there is no folder {str(to.parent)!r} for the output")
    if to.exists() and data.exists() and to.samefile(data):
        raise Unusable(f"the output {str(to)!r} would replace the data", advice="name another: -o scores.parquet")
    return to
