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
    """Go back: from the canary, or else to the version that served before. What goes is what is seen now: if it has
    gone when the deployer hears of it, nothing happens.

    Example: [bold]murmur rollback fraud --reason "too many false alarms"[/bold]
    """

    async def work(door: FrontDoor) -> Json:
        seen = await door.get(f"/deployer/v1/deployments/{deployment}")
        canary, serving = seen["canary"], seen["serving_version"]
        version = canary["version"] if canary else serving
        if version is None:
            raise shell.Unusable(
                f"nothing serves as {deployment!r}, so nothing can go",
                advice="promote the version that you want: murmur reviews",
            )
        if not as_json:
            beside = f", and v{version} as its canary at {canary['weight']:.0%}" if canary else ""
            shell.out.print(f"v{serving} serves as {deployment}{beside}: v{version} shall go")
        body = {"version": version, "by": door.signature(by), "reason": reason}
        return await door.post(f"/deployer/v1/deployments/{deployment}/rollback", body)

    answer = shell.call(work)
    if as_json:
        shell.show_json(answer)
        return
    going, to = answer["serving_version"], answer["previous_version"]
    if answer["canary"]:
        going, to = answer["canary"]["version"], going
    shell.out.print(f"{deployment} goes back from v{going} to v{to}: murmur events tells when it has")
