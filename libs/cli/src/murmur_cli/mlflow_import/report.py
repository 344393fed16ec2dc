"""What an import has done, for people and for scripts."""

from collections import defaultdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from murmur_cli.mlflow_import.shapes import Json
from murmur_cli.mlflow_import.tally import Kind, Left, Tally

_SHOWN = 10
"""Names under one reason; scripts get all of them."""


def as_json(tally: Tally, source: str, release: str) -> Json:
    return {
        "source": source,
        "release": release,
        "whole": tally.is_whole,
        "bytes": tally.bytes,
        "kinds": {
            kind.value.replace(" ", "_"): {
                "taken": tally.taken[kind],
                "updated": tally.updated[kind],
                "already_there": tally.there[kind],
                "left": sum(one.kind is kind for one in tally.left),
            }
            for kind in Kind
        },
        "left": [
            {"kind": one.kind.value, "name": one.name, "reason": one.reason, "expected": one.expected}
            for one in tally.left
        ],
        "remarks": tally.remarks,
    }


def show(console: Console, tally: Tally, source: str, release: str) -> None:
    console.print(f"MLflow {escape(release)} at {escape(source)}:", soft_wrap=True)
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("")
    for column in ("taken", "brought up to date", "already there", "left"):
        table.add_column(column, justify="right")
    for kind in Kind:
        left = sum(one.kind is kind for one in tally.left)
        counts = (tally.taken[kind], tally.updated[kind], tally.there[kind], left)
        if any(counts):
            *done, missing = (f"{count:,}" if count else "-" for count in counts)
            table.add_row(kind.value, *done, f"[yellow]{missing}[/yellow]" if left else missing)
    console.print(table)
    for (kind, reason, expected), names in _by_reason(tally.left).items():
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")
        colour = "dim" if expected else "yellow"
        console.print(f"[{colour}]left, {kind.value}:[/{colour}] {escape(shown)}", soft_wrap=True)
        console.print(f"  {escape(reason)}", style="dim", soft_wrap=True)
    for remark in tally.remarks:
        console.print(f"[dim]{escape(remark)}[/dim]", soft_wrap=True)


def _by_reason(left: list[Left]) -> dict[tuple[Kind, str, bool], list[str]]:
    found: dict[tuple[Kind, str, bool], list[str]] = defaultdict(list)
    for one in left:
        found[one.kind, one.reason, one.expected].append(one.name)
    return found
