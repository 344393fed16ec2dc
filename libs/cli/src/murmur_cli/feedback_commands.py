"""The command for whoever learns what became of predictions."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json
from murmur_cli.labels_file import LabelsFile, read_labels
from murmur_cli.shell import AsJson

_AT_ONCE = 5_000


def add_to(app: typer.Typer) -> None:
    app.command("feedback")(feedback)


def feedback(
    deployment: Annotated[str, typer.Argument(help="Whose predictions the labels are about.")],
    labels: Annotated[Path, typer.Argument(help="A .csv or .parquet file with the columns request_id and label.")],
    source: Annotated[
        str, typer.Option(help="Where the labels come from, in a word; clicks makes a click-through rate of them.")
    ] = "labels",
    as_json: AsJson = False,
) -> None:
    """Say what became known of predictions, however late: labels or clicks by request id.

    A request of several rows names them id, id#1, id#2. The same file again says nothing twice; a label that differs
    from an earlier one replaces it. A column time says when each label became known.

    Example: [bold]murmur feedback fraud chargebacks.csv[/bold]
    """
    with shell.explained():
        file = read_labels(labels)
    sent = shell.call(lambda door: _send(door, deployment, file, source, quiet=as_json))
    if as_json:
        shell.show_json(sent)
        return
    counts = sent["counts"]
    shell.out.print(f"{sent['labels']:,} labels of {deployment} sent from {labels}")
    shell.out.print(
        f"[dim]of all its labels so far {counts['joined']:,} found their prediction, {counts['waiting']:,} wait for it,"
        f" {counts['too_late']:,} came too late, {counts['unmatched']:,} matched nothing[/dim]"
    )


async def _send(door: FrontDoor, deployment: str, file: LabelsFile, source: str, *, quiet: bool) -> Json:
    path = f"/monitor/v1/deployments/{deployment}"
    taken = 0
    with Progress(
        TextColumn("sending labels"),
        BarColumn(),
        MofNCompleteColumn(),
        console=shell.err,
        transient=True,
        disable=quiet,
    ) as progress:
        task = progress.add_task("labels", total=len(file.rows))
        for number, rows in file.portions(_AT_ONCE):
            key = f"{file.digest[:32]}-{source}-{number}"
            answer = await door.post(f"{path}/feedback", {"source": source, "rows": rows}, key=key)
            taken += answer["labels"]
            progress.update(task, advance=len(rows))
    return {"deployment": deployment, "labels": taken, "counts": await door.get(f"{path}/labels")}
