"""Commands for the operator: forbid what is done by itself, allow it again, and see what wants attention."""

from typing import Annotated

import typer
from rich.markup import escape

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json
from murmur_cli.shell import AsJson

Workflow = Annotated[str | None, typer.Option("--workflow", "-w", help="Only this workflow; without it all.")]
Retraining = Annotated[bool, typer.Option("--retraining", help="Only training by schedule, drift, commit or data.")]
Promotion = Annotated[bool, typer.Option("--promotion", help="Only promotion of what was judged good.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it stands in the history for ever.")]
By = Annotated[str | None, typer.Option(help="Who decides; without it whose token it is, or your login name.")]


def add_to(app: typer.Typer) -> None:
    app.command("freeze")(freeze)
    app.command("unfreeze")(unfreeze)
    app.command("freezes")(freezes)
    app.command("alerts")(alerts)


def freeze(
    reason: Reason,
    workflow: Workflow = None,
    retraining: Retraining = False,
    promotion: Promotion = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Forbid the flock to retrain or promote by itself. What people ask for still happens.

    Example: [bold]murmur freeze --workflow credit --promotion --reason "quarter end"[/bold]
    """

    async def work(door: FrontDoor) -> list[Json]:
        body = {"by": door.signature(by), "reason": reason}
        return [await door.put(_path(what, workflow), body) for what in _chosen(retraining, promotion)]

    _tell(shell.call(work), as_json)


def unfreeze(
    reason: Reason,
    workflow: Workflow = None,
    retraining: Retraining = False,
    promotion: Promotion = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Lift a freeze; versions that it held are decided about at once.

    Example: [bold]murmur unfreeze --workflow credit --promotion --reason "the quarter is closed"[/bold]
    """

    async def work(door: FrontDoor) -> list[Json]:
        query = {"by": door.signature(by), "reason": reason}
        return [await door.delete(_path(what, workflow), **query) for what in _chosen(retraining, promotion)]

    _tell(shell.call(work), as_json)


def freezes(
    every: Annotated[bool, typer.Option("--all", help="Those that were lifted too.")] = False, as_json: AsJson = False
) -> None:
    """List what may not happen by itself now.

    Example: [bold]murmur freezes[/bold]
    """
    rows = shell.call(lambda door: door.items("/trainer/v1/freezes", all=every))
    columns = ("what", "workflow", "active", "by", "reason", "at")
    rows = rows if as_json else [row | {"workflow": row["workflow"] or "all"} for row in rows]
    shell.show(rows, columns, as_json=as_json, empty="nothing is frozen")


def alerts(
    every: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False, as_json: AsJson = False
) -> None:
    """List what wants attention: drift, roll-outs that failed, waits that are overdue, dead letters.

    Example: [bold]murmur alerts[/bold]
    """
    rows = shell.call(lambda door: door.items("/monitor/v1/alerts", status=None if every else "raised"))
    columns = ("severity", "about", "service", "title", "detail", "status", "raised_at")
    shell.show(rows, columns, as_json=as_json, empty="no alert is raised")


def _path(what: str, workflow: str | None) -> str:
    return f"/trainer/v1/freezes/{what}" + (f"/{workflow}" if workflow else "")


def _chosen(retraining: bool, promotion: bool) -> list[str]:
    """Both where neither is named."""
    chosen = [name for name, wanted in (("retraining", retraining), ("promotion", promotion)) if wanted]
    return chosen or ["retraining", "promotion"]


def _tell(changed: list[Json], as_json: bool) -> None:
    if as_json:
        shell.show_json(changed)
        return
    for one in changed:
        state = "frozen" if one["active"] else "free again"
        shell.out.print(f"{one['what']} of {one['workflow'] or 'all workflows'} is {state}")
        shell.out.print(f"[dim]by {escape(one['by'])}: {escape(one['reason'])}[/dim]")
