"""`murmur demo` from its first line to its last: the flock, the story, and what to look at next."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from rich.console import Console
from rich.table import Table

from murmur_access import BrokerAccess
from murmur_cli import shell
from murmur_cli.demo.climate import play_climate
from murmur_cli.demo.credit import play_credit
from murmur_cli.demo.fraud import play_fraud
from murmur_cli.demo.play import Summary
from murmur_cli.door import FrontDoor
from murmur_cli.flock_commands import raise_flock


class Story(StrEnum):
    CREDIT = "credit"
    """Thirty thousand real customers, in quarters."""
    FRAUD = "fraud"
    """A simulated city's card payments, in weeks."""
    CLIMATE = "climate"
    """Research: settings tried on series of weather and climate."""


@dataclass(frozen=True)
class Programme:
    """What is said before a story, and the story."""

    about: str
    needs: str
    play: Callable[[FrontDoor, BrokerAccess | str, Path, Console], Awaitable[Summary]]


PROGRAMMES = {
    Story.CREDIT: Programme(
        "credit model on 30,000 real customers (UCI default of credit card clients, CC BY 4.0)",
        "Fetched once and cached: the Kafka broker (45 MB of jars) and the data (a 38 MB package).",
        play_credit,
    ),
    Story.FRAUD: Programme(
        "fraud model on the card payments of a simulated city of 1,000 customers (synccfd, MIT)",
        "Fetched once and cached: the Kafka broker (45 MB of jars). Made once and kept: 29 weeks of payments.",
        play_fraud,
    ),
    Story.CLIMATE: Programme(
        "forecasts on real weather and climate (Seattle's days, CO2 at Mauna Loa, El Nino): many runs, compared",
        "Fetched once and cached: the Kafka broker (45 MB of jars) and the data (packages of 0.2 and 12 MB).",
        play_climate,
    ),
}


async def play(story: Story, *, as_json: bool) -> Summary:
    """Raises what the story and the runtime raise; the flock is left up either way."""
    settings = shell.settings()
    console = shell.err if as_json else shell.out
    programme = PROGRAMMES[story]
    console.print(
        "[bold]Murmuration[/bold]: six services that only talk through Kafka train, judge, serve, watch and retrain a\n"
        f"{programme.about}.\n"
        f"[dim]{programme.needs}[/dim]\n",
        soft_wrap=True,
    )
    await raise_flock(console)
    summary = await programme.play(shell.front_door(), shell.broker(), settings.home / "data", console)
    path = settings.home / f"demo-{story}.json"
    path.write_text(json.dumps(asdict(summary), indent=2) + "\n")
    _close(console, summary, settings.front_door, path)
    return summary


def _close(console: Console, summary: Summary, front_door: str, path: Path) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for version, verdict in summary.verdicts.items():
        table.add_row(version, verdict)
    if summary.predictions:
        sent = f"{summary.predictions:,} through the front door, {summary.failed_requests} failed"
        table.add_row("predictions", sent)
        table.add_row("drift", f"in {', '.join(summary.drifted_features[:4])}")
    for about, text in summary.told.items():
        table.add_row(about, text)
    for control, held in summary.controls.items():
        table.add_row("control", f"{control}: {'yes' if held else 'NO'}")
    serving = f"{summary.workflow} v{summary.serving}" if summary.serving else "nothing: this was research"
    table.add_row("serving", f"{serving}, after {summary.seconds:.0f} s")
    console.print("\n[bold]What happened[/bold]")
    console.print(table)
    console.print("\n[bold]What to look at next[/bold]")
    console.print(f"  the console          {front_door}/workflows/{summary.workflow}")
    console.print(f"  the history          murmur events    [dim](as a file: {path})[/dim]")
    console.print("  your own model       murmur init churn && murmur apply churn && murmur trigger churn")
    console.print("  stop                 murmur down")
