"""The command for the person who wants to know whether a run comes out the same again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json, Rejected
from murmur_cli.shell import AsJson, ExitCode, Unusable

Run = Annotated[str, typer.Argument(help="Id of a completed run: murmur runs --status completed.")]
Seed = Annotated[int | None, typer.Option(help="Another seed: the control, which should come out differently.")]
Present = Annotated[
    bool, typer.Option("--in-present-environment", help="Though packages differ; the verdict says which.")
]
Fresh = Annotated[
    bool, typer.Option("--fresh-environment", help="In one built of exactly the versions that the run had.")
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it stands in the history.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the verdict.")]

_LOOK_EVERY = 0.5
"""Seconds."""
_ENDED = ("completed", "failed")


def add_to(app: typer.Typer) -> None:
    app.command("reproduce")(reproduce)


def reproduce(
    run: Run,
    seed: Seed = None,
    in_present_environment: Present = False,
    fresh_environment: Fresh = False,
    reason: Reason = "",
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Train again exactly what a run trained, and say whether the same comes out: code, rows, parameters, seed, threads
    and packages are those of the run. Ends with 1 where it comes out differently.

    Example: [bold]murmur reproduce r-7f3ab1c09e54[/bold], [bold]murmur reproduce r-7f3ab1c09e54 --seed 8[/bold]
    """
    with shell.explained():
        body = {"seed": seed, "environment": _environment(in_present_environment, fresh_environment), "reason": reason}

    async def work(door: FrontDoor) -> Json:
        by = door.signature(None) or ""
        accepted = await door.post(f"/trainer/v1/runs/{run}/reproductions", {**body, "by": by})
        if not wait:
            return accepted
        if not as_json:
            shell.err.print(f"[dim]run {accepted['run_id']} goes on without this window: murmur runs[/dim]")
        with _waiting(accepted["run_id"], shown=not as_json) as say:
            while True:
                found = await _run(door, accepted["run_id"])
                if found is not None and found["status"] in _ENDED:
                    return found
                say(found)
                await asyncio.sleep(_LOOK_EVERY)

    answer = shell.call(work)
    if as_json:
        shell.show_json(answer)
    elif not wait:
        shell.out.print(f"run {answer['run_id']} repeats {run}: murmur events tells how it ends")
    else:
        _show(answer)
    if wait and (answer["status"] == "failed" or answer["reproduction"]["verdict"] == "different"):
        raise SystemExit(int(ExitCode.FAILED))


def _environment(present: bool, fresh: bool) -> str:
    if present and fresh:
        raise Unusable("--in-present-environment and --fresh-environment exclude each other: give one")
    return "present" if present else "fresh" if fresh else "same"


async def _run(door: FrontDoor, run_id: str) -> Json | None:
    """None while nothing of it has been heard."""
    try:
        return await door.get(f"/tracking/v1/runs/{run_id}")
    except Rejected as error:
        if error.status == 404:
            return None
        raise


class _Status:
    """Says on one line how far the run is; nothing where nobody looks."""

    def __init__(self, run_id: str, *, shown: bool) -> None:
        self._run_id = run_id
        self.line = shell.err.status(f"{run_id} waits for a free slot") if shown else None

    def __call__(self, run: Json | None) -> None:
        if self.line is not None and run is not None:
            self.line.update(f"{self._run_id} {run['progress'] or 0:.0%}")


@contextmanager
def _waiting(run_id: str, *, shown: bool) -> Iterator[_Status]:
    status = _Status(run_id, shown=shown)
    if status.line is None:
        yield status
        return
    with status.line:
        yield status


def _show(run: Json) -> None:
    if run["status"] == "failed":
        failure = run["failure"]
        shell.err.print(f"[red]run {run['run_id']} failed[/red], {failure['cause'].replace('_', ' ')}:", soft_wrap=True)
        shell.err.print(escape(failure["message"]), soft_wrap=True)
        return
    found = run["reproduction"]
    colour = "red" if found["verdict"] == "different" else "green"
    shell.out.print(f"{run['run_id']} repeats {found['of']}: [bold {colour}]{found['verdict']}[/bold {colour}]")
    same = found["original_sha256"] == found["reproduced_sha256"]
    models = [found["original_sha256"][:12], *([] if same else [found["reproduced_sha256"][:12]])]
    shell.out.print(f"[dim]model sha256 {' -> '.join(models)}{' in both' if same else ''}[/dim]")
    _table("metric", [(each["name"], each) for each in found["metrics"]], by_how_much=True)
    _table("differs", [(f"{each['what']}: {each['name']}", each) for each in found["differences"]], by_how_much=False)


def _table(title: str, rows: list[tuple[str, Json]], *, by_how_much: bool) -> None:
    if not rows:
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in (title, "original", "reproduced", *(["difference"] if by_how_much else [])):
        table.add_column(column, justify="left" if column == title or not by_how_much else "right")
    for name, row in rows:
        values = [_text(row["original"]), _text(row["reproduced"])]
        if by_how_much:
            values.append("-" if row["difference"] is None else f"{row['difference']:+.3g}")
        table.add_row(escape(name), *values)
    shell.out.print(table)


def _text(value: float | str | None) -> str:
    if value is None:
        return "-"
    return f"{value:.7g}" if isinstance(value, float) else escape(str(value))
