"""Commands for the person who must decide: what waits, and approve or refuse."""

from typing import Annotated

import typer

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json
from murmur_cli.shell import AsJson

Model = Annotated[str, typer.Argument(help="Name of the model.")]
Version = Annotated[int, typer.Argument(help="Number of the version in staging.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it stands in the history for ever.")]
By = Annotated[str | None, typer.Option(help="Who decides; without it whose token it is, or your login name.")]


def add_to(app: typer.Typer) -> None:
    app.command("approve")(approve)
    app.command("refuse")(refuse)
    app.command("reviews")(reviews)
    app.command("models")(models)


def approve(model: Model, version: Version, reason: Reason, by: By = None, as_json: AsJson = False) -> None:
    """Let the version in staging serve.

    Example: [bold]murmur approve credit 2 --reason "calibration checked"[/bold]
    """
    _decide(model, version, "approved", reason, by, as_json)


def refuse(model: Model, version: Version, reason: Reason, by: By = None, as_json: AsJson = False) -> None:
    """Keep the version in staging from serving.

    Example: [bold]murmur refuse credit 2 --reason "women under 25 lost too much"[/bold]
    """
    _decide(model, version, "refused", reason, by, as_json)


def _decide(model: str, version: int, decision: str, reason: str, by: str | None, as_json: bool) -> None:
    async def work(door: FrontDoor) -> Json:
        body = {"decision": decision, "by": door.signature(by), "reason": reason}
        return await door.post(f"/registry/v1/models/{model}/versions/{version}/review", body)

    answer = shell.call(work)
    if as_json:
        shell.show_json(answer)
    else:
        shell.out.print(f"{model} v{version} {decision}")


def reviews(as_json: AsJson = False) -> None:
    """List the versions that wait for a person.

    Example: [bold]murmur reviews[/bold]
    """
    rows = shell.call(lambda door: door.items("/registry/v1/reviews", status="open"))
    shell.show(rows, ("model", "version", "baseline", "summary"), as_json=as_json, empty="nothing waits for a decision")


def models(as_json: AsJson = False) -> None:
    """List the registered models and who serves.

    Example: [bold]murmur models[/bold]
    """
    rows = shell.call(lambda door: door.items("/registry/v1/models"))
    shell.show(
        rows,
        ("name", "latest_version", "staging", "production"),
        as_json=as_json,
        empty="no model yet: murmur trigger <workflow>",
    )
