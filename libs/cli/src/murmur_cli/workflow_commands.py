"""Commands about workflows: scaffold one, apply it, ask for a training, play a story."""

import json
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from murmur_cli import shell
from murmur_cli.bundle import FolderError, name_in, read_folder
from murmur_cli.door import FrontDoor, Json
from murmur_cli.git_source import source_of
from murmur_cli.shell import AsJson, ExitCode, Unusable
from murmur_workflows.scaffold import write_scaffold


def add_to(app: typer.Typer) -> None:
    app.command("init")(init)
    app.command("apply")(apply)
    app.command("trigger")(trigger)
    app.command("workflows")(workflows)
    app.command("runs")(runs)
    app.command("demo")(demo)


def init(
    name: Annotated[str, typer.Argument(help="Name of the workflow, and of the folder that is written.")],
    into: Annotated[Path, typer.Option(help="Where to write the folder.")] = Path("."),
) -> None:
    """Write a folder with a workflow of your own that runs as it is.

    Example: [bold]murmur init churn && murmur apply churn[/bold]
    """
    with shell.explained():
        try:
            folder = write_scaffold(name, into / name)
        except (FileExistsError, ValueError) as error:
            raise Unusable(str(error), advice=f"choose another name: murmur init {name}-2") from None
    shell.out.print(f"wrote {folder}/: workflow.yaml, train.py, data.py and a test")
    shell.out.print(f"[dim]next: murmur apply {folder} && murmur trigger {name}[/dim]")


def apply(
    folder: Annotated[Path, typer.Argument(help="Folder with workflow.yaml, data.py and train.py.")],
    as_json: AsJson = False,
) -> None:
    """Check a workflow and make it known to the flock; a file that changes nothing makes no new revision.

    Example: [bold]murmur apply churn/[/bold]
    """
    answer = shell.call(lambda door: _apply(door, folder))
    if as_json:
        shell.show_json(answer)
    else:
        news = "unchanged" if answer.get("unchanged") else "applied"
        shell.out.print(f"{answer['name']} revision {answer['revision']} {news}")


async def _apply(door: FrontDoor, folder: Path) -> Json:
    try:
        files = read_folder(folder)
    except FolderError as error:
        raise Unusable(str(error)) from None
    source = source_of(folder, files)
    definition = files.pop("workflow.yaml")
    path = f"/trainer/v1/workflows/{name_in(definition) or folder.name}"
    return await door.put(path, {"definition": definition, "files": files, "source": source})


def trigger(
    workflow: Annotated[str, typer.Argument(help="Name of the workflow.")],
    at: Annotated[str | None, typer.Option(help="Replay a past tick of its schedule, such as 2005-10-01.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the history.")] = "",
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="Override one: max_depth=3. Repeatable.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The same key asks for the same training, once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a training: now, or as a tick of the past.

    Example: [bold]murmur trigger credit --at 2005-10-01[/bold]
    """
    body: Json = {
        "kind": "schedule" if at else "manual",
        "reason": reason,
        "parameters": _parameters(parameter or []),
    }
    if at:
        body["as_of"] = at
    path = f"/trainer/v1/workflows/{workflow}/trainings"

    async def work(door: FrontDoor) -> Json:
        return await door.post(path, {**body, "by": door.signature(None) or ""}, key=key or str(uuid.uuid4()))

    answer = shell.call(work)
    if as_json:
        shell.show_json(answer)
    else:
        correlation = answer["correlation_id"]
        shell.out.print(f"training of {workflow} requested")
        shell.out.print(f"[dim]watch it: murmur events --correlation {correlation[:8]} --follow[/dim]")


def _parameters(pairs: list[str]) -> Json:
    found: Json = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} has no value: write name=value, such as max_depth=3")
        try:
            value: Any = json.loads(text)
        except ValueError:
            value = text
        found[name] = value
    return found


def workflows(as_json: AsJson = False) -> None:
    """List the workflows that the flock knows.

    Example: [bold]murmur workflows[/bold]
    """
    rows = shell.call(lambda door: door.items("/trainer/v1/workflows"))
    shell.show(
        rows,
        ("name", "revision", "schedule", "next_tick"),
        as_json=as_json,
        empty="no workflow yet: murmur init churn && murmur apply churn",
    )


def runs(
    workflow: Annotated[str | None, typer.Argument(help="Only runs of this workflow.")] = None,
    status: Annotated[str | None, typer.Option(help="running, completed or failed.")] = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    Example: [bold]murmur runs credit --status completed[/bold]
    """
    rows = shell.call(lambda door: door.items("/tracking/v1/runs", workflow=workflow, status=status))
    shell.show(
        rows,
        ("run_id", "workflow", "status", "started_at", "duration_seconds"),
        as_json=as_json,
        empty="no run yet: murmur trigger <workflow>",
    )


def demo(
    story: Annotated[Literal["credit", "fraud", "climate"], typer.Argument(help="Which workflow's story.")] = "credit",
    as_json: AsJson = False,
) -> None:
    """Play a story: train, validate, review, deploy, find drift, retrain; or research. It leaves the flock up.

    Ends with 1 where a negative control did not hold.

    Example: [bold]murmur demo[/bold], [bold]murmur demo fraud[/bold], [bold]murmur demo climate[/bold]
    """
    from murmur_cli.demo.run import Story, play  # pandas takes a second to import: only this command needs it

    summary = shell.run(play(Story(story), as_json=as_json))
    if as_json:
        shell.show_json(asdict(summary))
    if not all(summary.controls.values()):
        raise SystemExit(int(ExitCode.FAILED))
