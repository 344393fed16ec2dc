"""The commands that show a run to people who have no other right, and take that back."""

import re
from typing import Annotated

import typer
from rich.markup import escape

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json
from murmur_cli.shell import AsJson, Workspace

Run = Annotated[str, typer.Argument(help="Id of the run.")]
Share = Annotated[str, typer.Argument(help="Id of the share: murmur shares <run> lists them.")]
Expires = Annotated[str, typer.Option(help="For how long: 90m, 12h, 7d, up to 365d.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="For what; it stands on the page.")]
By = Annotated[str | None, typer.Option(help="Who decides; without it whose token it is, or your login name.")]

_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_COLUMNS = ("id", "by", "shared_at", "expires_at", "revoked_by", "seen", "reason")


def add_to(app: typer.Typer) -> None:
    app.command("share")(share)
    app.command("shares")(shares)
    app.command("unshare")(unshare)


def share(
    run: Run,
    expires: Expires = "7d",
    reason: Reason = "",
    by: By = None,
    workspace: Workspace = "default",
    as_json: AsJson = False,
) -> None:
    """Make a link that shows the run as it is now to whoever has it, until it expires or you take it back.

    Example: [bold]murmur share 3f0c… --expires 30d --reason "for the review"[/bold]
    """

    async def work(door: FrontDoor) -> Json:
        body = {"expires_in": _seconds(expires), "reason": reason, "by": door.signature(by)}
        answer = await door.post(f"/tracking/v1/runs/{run}/shares", body)
        return answer | {"link": f"{door.address.rstrip('/')}{answer['link']}"}

    answer = shell.call(work, workspace=workspace)
    if as_json:
        shell.show_json(answer)
        return
    shell.out.print(answer["link"], soft_wrap=True, markup=False)
    shell.out.print(
        f"[dim]it is shown this once, and opens until {answer['expires_at'][:16]}; murmur unshare {answer['id']} ends"
        f" that[/dim]",
        soft_wrap=True,
    )


def shares(run: Run, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """What links of a run there are, and how often they were seen."""

    async def work(door: FrontDoor) -> Json:
        return await door.get(f"/tracking/v1/runs/{run}/shares")

    rows = shell.call(work, workspace=workspace)["items"]
    shell.show(rows, _COLUMNS, as_json=as_json, empty=f"nobody has shared {escape(run)}: murmur share {escape(run)}")


def unshare(share: Share, by: By = None, as_json: AsJson = False) -> None:
    """Take a link back: from now on it opens nothing."""

    async def work(door: FrontDoor) -> Json:
        return await door.delete(f"/tracking/v1/shares/{share}", by=door.signature(by))

    answer = shell.call(work)
    if as_json:
        shell.show_json(answer)
    else:
        shell.out.print(f"the link to {answer['run_id']} opens nothing any more; it was seen {answer['seen']} times")


def _seconds(expires: str) -> int:
    """Raises Unusable."""
    match = re.fullmatch(r"(\d{1,9})([mhd])", expires)
    if match is None:
        raise shell.Unusable(f"{expires!r} is no time that a link can last", advice="write 90m, 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]]
