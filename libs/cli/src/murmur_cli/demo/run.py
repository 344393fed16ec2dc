"""`murmur demo` from its first line to its last: the flock, the story, and what to look at next."""

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from murmur_cli import shell
from murmur_cli.demo.credit import Summary, play_credit
from murmur_cli.flock_commands import raise_flock


async def play(*, as_json: bool) -> Summary:
    """Raises what the story and the runtime raise; the flock is left up either way."""
    settings = shell.settings()
    console = shell.err if as_json else shell.out
    console.print(
        "[bold]Murmuration[/bold]: six services that only talk through Kafka train, judge, serve, watch and retrain a\n"
        "credit model on 30,000 real customers (UCI default of credit card clients, CC BY 4.0).\n"
        "[dim]Fetched once and cached: the Kafka broker (45 MB of jars) and the data (a 38 MB package).[/dim]\n",
        soft_wrap=True,
    )
    await raise_flock(console)
    summary = await play_credit(shell.front_door(), shell.broker(), settings.home / "data", console)
    path = settings.home / "demo-credit.json"
    path.write_text(json.dumps(asdict(summary), indent=2) + "\n")
    _close(console, summary, settings.front_door, path)
    return summary


def _close(console: Console, summary: Summary, front_door: str, path: Path) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for version, verdict in summary.verdicts.items():
        table.add_row(version, verdict)
    table.add_row("predictions", f"{summary.predictions:,} through the front door, {summary.failed_requests} failed")
    table.add_row("drift", f"in {', '.join(summary.drifted_features[:4])}")
    for control, held in summary.controls.items():
        table.add_row("control", f"{control}: {'yes' if held else 'NO'}")
    table.add_row("serving", f"{summary.workflow} v{summary.serving}, after {summary.seconds:.0f} s")
    console.print("\n[bold]What happened[/bold]")
    console.print(table)
    console.print("\n[bold]What to look at next[/bold]")
    console.print(f"  the console          {front_door}/workflows/{summary.workflow}")
    console.print(f"  the history          murmur events    [dim](as a file: {path})[/dim]")
    console.print("  your own model       murmur init churn && murmur apply churn && murmur trigger churn")
    console.print("  stop                 murmur down")
