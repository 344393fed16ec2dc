"""Commands that keep a flock's state elsewhere and bring it back."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from murmur_cli import flock_view, shell
from murmur_cli.shell import AsJson, Unusable
from murmur_runtime import backup, flock
from murmur_runtime.backup import Restored, Taken

_MEGABYTE = 1_000_000


def add_to(app: typer.Typer) -> None:
    app.command("backup")(back_up)
    app.command()(restore)


def back_up(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    as_json: AsJson = False,
) -> None:
    """Keep the whole state of the flock, running or not, in a folder: stores, the broker's log, artifacts, secrets.

    Example: [bold]murmur backup /mnt/backups/2026-11-25[/bold]
    """
    console = shell.err if as_json else shell.out

    async def work() -> Taken:
        with flock_view.progress_on(console) as emit:
            return await backup.back_up(shell.settings(), folder, emit=emit)

    taken = shell.run(work())
    files, size = len(taken.manifest.files), taken.manifest.size
    if as_json:
        shell.show_json({"folder": taken.folder, "files": files, "bytes": size, "held_seconds": taken.held_seconds})
        return
    console.print(
        f"{files} files, {size / _MEGABYTE:.1f} MB in {str(folder)!r} after {taken.seconds:.1f} s;"
        f" the services waited {taken.held_seconds * 1000:.0f} ms for it"
    )
    console.print(
        f"[dim]To bring it back: murmur restore {folder}. It holds secrets: keep it as safe as they are.[/dim]"
    )


def restore(
    folder: Annotated[Path, typer.Argument(help="What `murmur backup` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a running flock is ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the flock back to a backup; a running one is ended and raised again. What was there is set aside.

    Example: [bold]murmur restore /mnt/backups/2026-11-25 --yes[/bold]
    """
    console = shell.err if as_json else shell.out
    with shell.explained():
        settings = shell.settings()
        asked = flock.status(settings) is not None and not yes
        if asked and (as_json or not typer.confirm(f"The flock in {settings.home} is up. End it for {folder}?")):
            raise Unusable("nothing was restored", advice=f"murmur restore {folder} --yes does not ask")

    async def work() -> Restored:
        with flock_view.progress_on(console) as emit:
            return await backup.restore(settings, folder, emit=emit)

    restored = shell.run(work())
    if as_json:
        shell.show_json({**asdict(restored), "manifest": {"made_at": restored.manifest.made_at}})
        return
    console.print(f"The flock in {settings.home} is as it was at {restored.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC")
    if restored.set_aside:
        console.print(f"[dim]What was there before lies in {restored.set_aside}[/dim]")
    if not restored.raised:
        console.print("Next: [bold]murmur up[/bold]")
