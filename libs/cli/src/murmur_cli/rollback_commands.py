"""The command for the person who wants the version before back."""

from typing import Annotated

import typer

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json
from murmur_cli.shell import AsJson

Deployment = Annotated[str, typer.Argument(help="Name of the deployment, which is that of its model.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it stands in the history for ever.")]
By = Annotated[str | None, typer.Option(help="Who decides; without it whose token it is, or your login name.")]


def add_to(app: typer.Typer) -> None:
    app.command("rollback")(rollback)


def rollback(deployment: Deployment, reason: Reason, by: By = None, as_json: AsJson = False) -> None:
    """Go back: from the canary, or else to the version that served before.

    Example: [bold]murmur rollback fraud --reason "too many false alarms"[/bold]
    """

    async def work(door: FrontDoor) -> Json:
        body = {"by": door.signature(by), "reason": reason}
        return await door.post(f"/deployer/v1/deployments/{deployment}/rollback", body)

    answer = shell.call(work)
    if as_json:
        shell.show_json(answer)
    elif answer["canary"]:
        shell.out.print(f"the canary v{answer['canary']['version']} of {deployment} is rolled back")
    else:
        back = f"v{answer['previous_version']}, which served before v{answer['serving_version']}"
        shell.out.print(f"{deployment} goes back to {back}: murmur events tells when it serves")
