"""Commands about sweeps: ask for many trainings at once, watch them, call them off."""

import asyncio
import json
import uuid
from typing import Annotated, Any, ClassVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json
from murmur_cli.ranking import Goal
from murmur_cli.shell import AsJson, ExitCode

_LOOK_EVERY = 0.5
_OVER = ("completed", "cancelled")

SweepId = Annotated[str, typer.Argument(help="Id of the sweep: murmur sweep list.")]
Author = Annotated[str | None, typer.Option(help="Who asks. With a token it is the token's holder.")]


class WorkflowFirst(TyperGroup):
    """`murmur sweep climate` is `murmur sweep start climate`: what is no command is the name of a workflow."""

    first: ClassVar[str] = "start"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """ctx: of the click that typer carries within and does not show."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = [self.first, *args]
        return super().parse_args(ctx, args)


def add_to(app: typer.Typer) -> None:
    sweeps = typer.Typer(
        cls=WorkflowFirst,
        help="Many trainings at once: murmur sweep climate --grid max_depth=3,5.",
        no_args_is_help=True,
    )
    sweeps.command("start")(start)
    sweeps.command("list")(list_sweeps)
    sweeps.command("watch")(watch)
    sweeps.command("cancel")(cancel)
    app.add_typer(sweeps, name="sweep")


def start(
    workflow: Annotated[str, typer.Argument(help="Name of the workflow.")],
    grid: Annotated[list[str] | None, typer.Option(help="Values to try: max_depth=3,5,7. Repeatable.")] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="Data to try each point on: dataset=seattle,co2. Repeatable.")
    ] = None,
    random: Annotated[int | None, typer.Option(min=1, help="Draw so many points of the grid; without it: all.")] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    author: Author = None,
    max_parallel: Annotated[int, typer.Option(min=1, help="So many train at once, as far as there are slots.")] = 4,
    metric: Annotated[str | None, typer.Option(help="Chooses the best run; without it training.objective.")] = None,
    goal: Annotated[Goal | None, typer.Option(help="Of that metric.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the history.")] = "",
    key: Annotated[str | None, typer.Option(help="The same key asks for the same sweep, once.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for its end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a workflow with many settings, as one sweep. It goes on without this window.

    Example: [bold]murmur sweep climate --grid max_depth=3,5,7 --grid eta=0.05,0.1 --data dataset=seattle,co2[/bold]
    Example: [bold]murmur sweep climate --grid max_depth=1,2,3,4 --grid eta=0.01,0.03,0.1 --random 5 --author ada[/bold]
    """
    body: Json = {
        "grid": choices(grid or []),
        "data": choices(data or []),
        "random": random,
        "seed": seed,
        "metric": metric,
        "goal": goal,
        "max_parallel": max_parallel,
        "reason": reason,
    }

    async def work(door: FrontDoor) -> Json:
        wish = {**body, "by": door.signature(author) or ""}
        path = f"/trainer/v1/workflows/{workflow}/sweeps"
        sweep = await door.post(path, wish, key=key or str(uuid.uuid4()))
        if not as_json:
            name = sweep["sweep_id"]
            shell.err.print(f"[dim]sweep {name}: {sweep['members']:,} trainings; they go on without this window[/dim]")
            shell.err.print(f"[dim]look again: murmur sweep watch {name}   stop: murmur sweep cancel {name}[/dim]")
        return sweep if detach else await _ended(door, sweep, shown=not as_json)

    _tell(shell.call(work), as_json)


def watch(sweep: SweepId, as_json: AsJson = False) -> None:
    """Watch a sweep until it ends.

    Example: [bold]murmur sweep watch s-0f6d2a41c0de[/bold]
    """

    async def work(door: FrontDoor) -> Json:
        return await _ended(door, await door.get(f"/trainer/v1/sweeps/{sweep}"), shown=not as_json)

    _tell(shell.call(work), as_json)


def cancel(
    sweep: SweepId,
    reason: Annotated[str, typer.Option(help="Why; it stands in the history.")] = "",
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """Begin nothing more of a sweep; trainings under way come to their end.

    Example: [bold]murmur sweep cancel s-0f6d2a41c0de --reason "the machine is needed"[/bold]
    """

    async def work(door: FrontDoor) -> Json:
        body = {"by": door.signature(author), "reason": reason}
        return await door.post(f"/trainer/v1/sweeps/{sweep}/cancel", body)

    answer = shell.call(work)
    if as_json:
        shell.show_json(answer)
        return
    under_way = f", {answer['training']:,} still train" if answer["training"] else ""
    shell.out.print(f"sweep {sweep} cancelled: {answer['cancelled']:,} trainings will not begin{under_way}")


def list_sweeps(
    workflow: Annotated[str | None, typer.Option(help="Only of this workflow.")] = None,
    state: Annotated[str | None, typer.Option(help="running, stopping, completed or cancelled.")] = None,
    as_json: AsJson = False,
) -> None:
    """List sweeps, newest first.

    Example: [bold]murmur sweep list --workflow climate --state running[/bold]
    """
    rows = shell.call(lambda door: door.items("/trainer/v1/sweeps", workflow=workflow, state=state))
    shell.show(
        rows,
        ("sweep_id", "workflow", "by", "state", "members", "training", "completed", "failed", "cancelled"),
        as_json=as_json,
        empty="no sweep yet: murmur sweep <workflow> --grid max_depth=3,5",
    )


def choices(pairs: list[str]) -> dict[str, list[Any]]:
    """`name=a,b` as values by name. Raises typer.BadParameter."""
    found: dict[str, list[Any]] = {}
    for pair in pairs:
        name, equals, texts = pair.partition("=")
        if not equals or not name or not texts:
            raise typer.BadParameter(f"{pair!r} names no values: write name=a,b such as max_depth=3,5,7")
        if name in found:
            raise typer.BadParameter(f"{name!r} stands twice: give all its values at once, {name}={texts},…")
        found[name] = [_value(text) for text in texts.split(",")]
    return found


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) else text


async def _ended(door: FrontDoor, sweep: Json, *, shown: bool) -> Json:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=shell.err, disable=not shown) as progress:
        bar = progress.add_task("trained", total=sweep["members"], note="")
        while True:
            done = sweep["completed"] + sweep["failed"] + sweep["cancelled"]
            failed = f", {sweep['failed']:,} failed" if sweep["failed"] else ""
            progress.update(bar, completed=done, note=f"{sweep['training']:,} at work{failed}{_best(sweep)}")
            if sweep["state"] in _OVER:
                return sweep
            await asyncio.sleep(_LOOK_EVERY)
            sweep = await door.get(f"/trainer/v1/sweeps/{sweep['sweep_id']}")


def _best(sweep: Json) -> str:
    return "".join(f", best {sweep['metric']} {best['value']:.4g}{_on(best['data'])}" for best in sweep["best"][:3])


def _on(data: Json) -> str:
    return f" on {' '.join(map(str, data.values()))}" if data else ""


def _tell(sweep: Json, as_json: bool) -> None:
    if as_json:
        shell.show_json(sweep)
    else:
        stopped = f", cancelled by {sweep['cancelled_by']}" if sweep["cancelled_by"] else ""
        shell.out.print(
            f"sweep {sweep['sweep_id']} is {sweep['state']}{stopped}: {sweep['completed']:,} of {sweep['members']:,}"
            f" trained, {sweep['failed']:,} failed"
        )
        for best in sweep["best"]:
            settings = " ".join(f"{name}={value}" for name, value in best["parameters"].items())
            shell.out.print(
                f"  best{_on(best['data'])}: {best['run_id']}  {sweep['metric']} {best['value']:.4g}  {settings}"
            )
        shell.out.print(f"[dim]the story: murmur events --correlation {sweep['correlation_id'][:8]}[/dim]")
    if sweep["state"] == "completed" and not sweep["completed"]:
        raise SystemExit(int(ExitCode.FAILED))
