"""Bars while an import goes on, one a kind; none where nobody looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from murmur_cli.mlflow_import.tally import Kind, Tally


@contextmanager
def bars(console: Console, tally: Tally, *, shown: bool) -> Iterator[None]:
    columns = (
        TextColumn("{task.description:<17}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=console, disable=not shown) as progress:
        tally.changed = _following(progress, tally)
        yield


def _following(progress: Progress, tally: Tally) -> Callable[[Kind], None]:
    tasks: dict[Kind, TaskID] = {}

    def changed(kind: Kind) -> None:
        if kind not in tasks:
            tasks[kind] = progress.add_task(kind.value, total=None, note="")
        done = tally.done(kind)
        there = f"{tally.there[kind]:,} already there" if tally.there[kind] else ""
        left = sum(one.kind is kind for one in tally.left)
        size = f"{tally.bytes / 1e6:,.1f} MB" if kind is Kind.FILE else ""
        note = ", ".join(part for part in (size, there, f"{left:,} left" if left else "") if part)
        progress.update(tasks[kind], completed=done, total=max(done, tally.found[kind]), note=note)

    return changed
