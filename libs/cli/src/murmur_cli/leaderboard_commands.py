"""The command that says whose runs are the best."""

from typing import Annotated

import typer

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json
from murmur_cli.ranking import Goal, Place, goal_of, leaderboard, varied
from murmur_cli.shell import AsJson, Unusable


def add_to(app: typer.Typer) -> None:
    app.command("leaderboard")(show_leaderboard)


def show_leaderboard(
    workflow: Annotated[str, typer.Argument(help="Name of the workflow.")],
    metric: Annotated[str, typer.Option(help="By which runs are compared, such as rmse.")],
    by: Annotated[
        list[str] | None, typer.Option(help="A parameter whose values are ranked apart, such as dataset. Repeatable.")
    ] = None,
    goal: Annotated[Goal | None, typer.Option(help="Needed where the metric's name does not say it.")] = None,
    sweep: Annotated[str | None, typer.Option(help="Only runs of this sweep.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the best run of each author, with its interval where the metric has one.

    Example: [bold]murmur leaderboard climate --metric rmse --by dataset[/bold]
    """
    groups = by or []
    with shell.explained():
        wanted = goal or goal_of(metric)
        if wanted is None:
            raise Unusable(
                f"is less or more of {metric!r} better? Its name does not say", advice="add --goal minimize or maximize"
            )

    async def work(door: FrontDoor) -> list[Json]:
        await door.get(f"/trainer/v1/workflows/{workflow}")  # an unknown one is an error, not an empty table
        return await door.items("/tracking/v1/runs", workflow=workflow, status="completed", limit=500)

    runs = shell.call(work)
    if sweep is not None:
        runs = [run for run in runs if str(run["trigger"]["key"]).startswith(f"{sweep}/")]
    places = leaderboard(runs, metric, wanted, groups)
    settings = varied(places, groups)
    rows = [_row(place, metric, groups, settings) for place in places]
    if as_json:
        shell.show_json(
            [row | {"parameters": place.run.get("parameters")} for row, place in zip(rows, places, strict=True)]
        )
        return
    columns = (*groups, "author", metric, "interval", "runs", "run_id", *settings)
    measured = sorted({name for run in runs for name in run["metrics"]})
    hint = f"no run has it; they have {', '.join(measured)}" if measured else f"no run yet: murmur trigger {workflow}"
    shell.show(rows, columns, as_json=False, empty=f"nothing to rank by {metric!r}: {hint}")


def _row(place: Place, metric: str, groups: list[str], settings: list[str]) -> Json:
    parameters = place.run.get("parameters") or {}
    interval = f"[{place.low:.4g}, {place.high:.4g}]" if place.low is not None and place.high is not None else None
    return {
        **dict(zip(groups, place.group, strict=True)),
        "author": place.author,
        metric: place.value,
        "interval": interval,
        "runs": place.runs,
        "run_id": place.run["run_id"],
        **{name: parameters.get(name) for name in settings},
    }
