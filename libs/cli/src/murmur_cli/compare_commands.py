"""The command that lays runs side by side."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json
from murmur_cli.shell import AsJson, Workspace

Runs = Annotated[
    list[str], typer.Argument(help="Ids of the runs, up to 100; the first is what others are held against.")
]
All = Annotated[bool, typer.Option("--all", help="What is alike, too.")]
Histories = Annotated[list[str] | None, typer.Option("--history", help="With --json: this metric over its steps, too.")]

_SHORT = 14
"""Characters of an id or a digest in a column's head: what tells runs apart, and a table of eight still fits."""


def add_to(app: typer.Typer) -> None:
    app.command("compare")(compare)


def compare(
    runs: Runs,
    every: All = False,
    history: Histories = None,
    workspace: Workspace = "default",
    as_json: AsJson = False,
) -> None:
    """Lay runs side by side: what differs first, then metrics, then the lines of code that changed.

    Example: [bold]murmur compare 3f0c… 91ab… --all[/bold]
    """

    async def work(door: FrontDoor) -> Json:
        return await door.get("/tracking/v1/compare", run=runs, files=True, histories=history or None)

    answer = shell.call(work, workspace=workspace)
    if as_json:
        shell.show_json(answer)
        return
    shell.out.print(_table(answer, every=every))
    _say_what_is_unknown(answer)
    for change in answer["code"]["differences"]:
        shell.out.print(f"\n[bold]{escape(change['file'])}[/bold] of {change['run']} against {change['against']}")
        for line in change["lines"]:
            colour = {"+": "green", "-": "red"}.get(line[:1], "default")
            shell.out.print(f"[{colour}]{escape(line)}[/{colour}]")


def _table(answer: Json, *, every: bool) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("")
    for run in answer["runs"]:
        table.add_column(escape(run["name"] if run["name"] != run["run_id"] else run["run_id"][:_SHORT]))
    table.add_row("[dim]run[/dim]", *(escape(run["run_id"][:_SHORT]) for run in answer["runs"]))
    table.add_row("[dim]status[/dim]", *(run["status"] for run in answer["runs"]))
    sections = {
        "parameters": answer["parameters"],
        "metrics": answer["metrics"],
        "circumstances": answer["circumstances"],
        "environment": answer["environment"]["rows"],
    }
    for title, rows in sections.items():
        shown = [row for row in rows if every or row["differs"] or title == "metrics"]
        if shown:
            table.add_row()
            table.add_row(f"[bold]{title}[/bold]")
        for row in shown:
            name = escape(row["name"])
            table.add_row(f"[yellow]{name}[/yellow]" if row["differs"] else name, *map(_cell, row["values"]))
    return table


def _say_what_is_unknown(answer: Json) -> None:
    hidden = sum(not row["differs"] for part in ("parameters", "circumstances") for row in answer[part])
    shell.out.print(
        f"\n[dim]{hidden} parameters and circumstances and {answer['environment']['same']} properties of their"
        f" environments are alike (--all shows the former)[/dim]"
    )
    for part in ("environment", "code"):
        silent = [run["run_id"] for run, known in zip(answer["runs"], answer[part]["known"], strict=True) if not known]
        if silent:
            shell.out.print(f"[dim]no {part} is kept of {', '.join(silent)}[/dim]")
    for run_id, reasons in answer["unread"].items():
        for reason in reasons:
            shell.out.print(f"[yellow]{run_id}: {escape(reason)}[/yellow]")


def _cell(value: Any) -> str:
    text = "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return escape(text if len(text) < 2 * _SHORT else f"{text[:_SHORT]}…")
