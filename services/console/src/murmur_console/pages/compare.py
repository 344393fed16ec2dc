"""Runs side by side: what they were told differently, what came of it, their curves laid over each other."""

from collections.abc import Iterable, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from nicegui import ui

from murmur_console import research
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.curves import STYLES, Points, curve_chart
from murmur_console.domain.facts import Tone
from murmur_console.domain.numbers import exact
from murmur_console.domain.parallel import picture
from murmur_console.domain.words import duration
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import tag, text
from murmur_console.pages.run_rows import compare_path, run_path
from murmur_console.research import Comparison, RunLine
from murmur_console.research import Row as ComparedRow
from murmur_console.widgets import table
from murmur_console.widgets.chart import TimeChart
from murmur_console.widgets.chooser import Chooser
from murmur_console.widgets.parallel import parallel
from murmur_console.widgets.table import Cell, Column, Row, Table

_RUNS = (
    Column("name", "Run"),
    Column("status", "Status"),
    Column("started", "Started"),
    Column("took", "Took", "right"),
    Column("user", "User"),
    Column("without", ""),
)
_USUAL_CURVES = 2
_MOST_CURVES = 8
_LONGEST = 80
Many = Annotated[list[str], Query()]


def register(console: Console) -> None:
    @ui.page("/compare")
    def compare(
        run: Many = [],  # noqa: B006  # FastAPI copies it
        metric: Many = [],  # noqa: B006
        workspace: str = "",
    ) -> None:
        runs = tuple(dict.fromkeys(run))
        with frame(console, f"Compare {len(runs)} runs", room="Experiments"):
            with tag("div", "m-head"):
                text("h1", f"Compare {len(runs)} runs" if runs else "Compare runs")
            if not runs:
                with tag("div", "m-empty"):
                    text("p", "Tick runs in the table of an experiment, then choose Compare. On the command line:")
                    text("pre", "murmur compare <run> <run>", "m-command")
                return
            notice = text("p", "Looking …", "m-notice", role="status")
            place = tag("div")

        async def begin() -> None:
            try:
                found = await research.compare(console.door, workspace, runs)
            except DoorError as error:
                notice.text = str(error)
                notice.classes(replace="m-notice m-trouble")
                return
            notice.text = ""
            with place:
                curves = _Compared(console, found, workspace, metric).build()
            await curves.draw()

        ui.timer(0, begin, once=True)


class _Compared:
    def __init__(self, console: Console, found: Comparison, workspace: str, metrics: Sequence[str]) -> None:
        """metrics: whose curves are wanted; the first ones if none of them is known."""
        self._console = console
        self._found = found
        self._workspace = workspace
        self._names = _names(found.runs)
        self._metrics = [row.name for row in found.metrics]
        wanted = [name for name in self._metrics if name in metrics]
        self._chosen = tuple(wanted[:_MOST_CURVES] or self._metrics[:_USUAL_CURVES])

    def build(self) -> "_Compared":
        found = self._found
        runs = Table("The runs", _RUNS)
        runs.show(self._line(run, name) for run, name in zip(found.runs, self._names, strict=True))
        self._side_by_side("Parameters that differ", [row for row in found.parameters if row.differs], "None differs.")
        self._side_by_side("Metrics", found.metrics, "None was measured.")
        self._show_parallel()
        with tag("section", "m-section", aria_label="Curves"):
            text("h2", "Curves")
            with tag("div", "m-runs-tools"):
                self._chooser = Chooser("Metrics", on_choose=self._choose, most=_MOST_CURVES)
                if len(found.runs) > STYLES:
                    text("span", f"The first {STYLES} of {len(found.runs)} runs are told apart.", "m-muted")
            self._trouble = text("p", "", "m-notice m-trouble")
            self._place = tag("div", "m-charts")
        self._side_by_side(
            "Data, code and environment that differ", [row for row in found.circumstances if row.differs], "None."
        )
        same = [row for row in (*found.parameters, *found.circumstances) if not row.differs]
        with tag("details", "m-behind m-section"):
            text("summary", f"The same in all: {len(same)}")
            self._table("The same in all", same)
        return self

    def _line(self, run: RunLine, name: str) -> Row:
        others = [one.run_id for one in self._found.runs if one.run_id != run.run_id]
        tone = Tone.TROUBLE if run.status == "failed" else Tone.PLAIN
        return Row(
            run.run_id,
            {
                "name": table.link(name, run_path(run.run_id)),
                "status": table.text(run.status, tone=tone),
                "started": table.when(run.started_at),
                "took": table.text("" if run.duration_seconds is None else duration(run.duration_seconds)),
                "user": table.text(run.user),
                "without": table.link("Leave out", compare_path(others, self._workspace)) if others else table.text(""),
            },
        )

    def _side_by_side(self, title: str, rows: Sequence[ComparedRow], nothing: str) -> None:
        with tag("section", "m-section", aria_label=title):
            text("h2", title)
            if rows:
                self._table(title, rows)
            else:
                text("p", nothing, "m-muted")

    def _table(self, caption: str, rows: Iterable[ComparedRow]) -> None:
        keys = [str(number) for number in range(len(self._names))]
        heads = [Column(key, name, "right") for key, name in zip(keys, self._names, strict=True)]
        shown = Table(caption, [Column("what", ""), *heads]).classes("m-side-by-side")
        shown.show(
            Row(row.name, {"what": table.text(row.name), **dict(zip(keys, map(_cell, row.values), strict=True))})
            for row in rows
        )

    def _show_parallel(self) -> None:
        told = [(row.name, row.values) for row in self._found.parameters if row.differs]
        came = [(row.name, row.values) for row in self._found.metrics if row.differs]
        dimensions = [*told[:5], *came[:3]]
        if len(dimensions) < 2 or len(self._names) < 2:
            return
        with tag("section", "m-section", aria_label="Parallel coordinates"):
            text("h2", "From parameters to metrics, a line a run")
            with tag("div", "m-parallel"):
                parallel(picture(dimensions), self._names, "Parallel coordinates of what differs; values in the tables")

    async def draw(self) -> None:
        """The curves that were chosen, at the same steps for all runs."""
        self._chooser.show({"Metrics": {name: name for name in self._metrics}}, self._chosen)
        wanted = self._chosen
        try:
            drawn = await self._histories(wanted)
        except DoorError as error:
            self._trouble.text = f"The curves cannot be drawn: {error}"
            return
        if wanted != self._chosen:
            return
        self._trouble.text = ""
        self._place.clear()
        with self._place:
            for name, histories in zip(wanted, drawn, strict=True):
                with tag("div", "m-chart-box"):
                    chart = TimeChart()
                    with chart:
                        text("p", "Nothing was logged by step.")
                chart.show_curves(curve_chart(f"{name} by step", histories))

    async def _histories(self, metrics: Sequence[str]) -> list[dict[str, Points]]:
        """For each metric, of all runs."""
        if not metrics:
            return []
        runs = [one.run_id for one in self._found.runs]
        found = await research.compare(self._console.door, self._workspace, runs, histories=metrics)
        return [
            {
                name: list(zip(curve.step, curve.value, strict=True))
                for name, curve in zip(self._names, one.curves, strict=True)
            }
            for one in found.histories
        ]

    async def _choose(self, names: Sequence[str]) -> None:
        """What is chosen stands in the address."""
        self._chosen = tuple(names)
        path = compare_path([one.run_id for one in self._found.runs], self._workspace)
        ui.navigate.history.replace(f"{path}&{urlencode([('metric', name) for name in names])}" if names else path)
        await self.draw()


def _names(runs: Sequence[RunLine]) -> list[str]:
    """Different ones: of runs that are called the same, the beginning of the id stands behind, or all of it."""
    called = [run.name or run.run_id for run in runs]
    short = [
        f"{name} {run.run_id[:8]}" if called.count(name) > 1 else name for name, run in zip(called, runs, strict=True)
    ]
    return [
        f"{name} {run.run_id}" if short.count(tried) > 1 else tried
        for name, tried, run in zip(called, short, runs, strict=True)
    ]


def _cell(value: bool | int | float | str | None) -> Cell:
    if value is None:
        return table.text("–", title="it has none, or no finite number")
    if isinstance(value, float):
        return table.text(exact(value), title=repr(value))
    words = str(value)
    return table.text(words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…", title=words)
