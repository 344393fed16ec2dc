"""The metrics of a run: the last values, and the history of those that were chosen."""

import asyncio
from collections.abc import Mapping, Sequence

from murmur_console import research
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.curves import Points, curve_chart
from murmur_console.domain.numbers import exact
from murmur_console.pages.parts import tag, text
from murmur_console.research import RunDetail
from murmur_console.widgets import table
from murmur_console.widgets.chart import TimeChart
from murmur_console.widgets.chooser import Chooser
from murmur_console.widgets.table import Column, Row, Table

_USUAL = 4
_MOST = 24
_COLUMNS = (Column("name", "Metric"), Column("value", "Last value", "right"))


class CurvesPanel:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._run: RunDetail | None = None
        self._chosen: tuple[str, ...] | None = None
        self._charts: dict[str, TimeChart] = {}
        with tag("section", "m-section", aria_label="Metrics"):
            text("h2", "Metrics")
            with tag("div", "m-runs-tools"):
                self._chooser = Chooser("Curves", on_choose=self._choose, most=_MOST)
            self._place = tag("div", "m-charts")
            with tag("details", "m-behind", open=True):
                text("summary", "Last values")
                self._table = Table("Last value of each metric", _COLUMNS)
                with self._table:
                    text("p", "It has measured nothing yet. In its code:")
                    text("pre", 'mlflow.log_metric("auc", 0.78, step=1)', "m-command")

    async def look(self, run: RunDetail) -> None:
        """Raises DoorError."""
        self._run = run
        names = sorted(run.metrics)
        self._table.show(
            Row(name, {"name": table.text(name), "value": table.text(exact(run.metrics[name]))}) for name in names
        )
        self._chooser.show({"Metrics": {name: name for name in names}}, self._drawn(run))
        await self._draw(run)

    def _drawn(self, run: RunDetail) -> tuple[str, ...]:
        return tuple(sorted(run.metrics)[:_USUAL]) if self._chosen is None else self._chosen

    async def _draw(self, run: RunDetail) -> None:
        wanted = self._drawn(run)
        histories = await asyncio.gather(*(self._history(run, name) for name in wanted))
        if self._drawn(run) != wanted:
            return
        if list(self._charts) != list(wanted):
            self._rebuild(wanted)
        for name, points in zip(wanted, histories, strict=True):
            self._charts[name].show_curves(curve_chart(f"{name} by step", {name: points}))

    async def _history(self, run: RunDetail, metric: str) -> Points:
        found = await research.samples(self._console.door, run.workspace, [run.run_id], metric)
        return [(one.step, one.finite) for one in found]

    def _rebuild(self, wanted: Sequence[str]) -> None:
        self._place.clear()
        charts: Mapping[str, TimeChart]
        with self._place:
            charts = {name: _chart() for name in wanted}
        self._charts = dict(charts)

    async def _choose(self, names: Sequence[str]) -> None:
        self._chosen = tuple(names)
        if self._run is not None:
            self._chooser.show({"Metrics": {name: name for name in sorted(self._run.metrics)}}, names)
            try:
                await self._draw(self._run)
            except DoorError as error:
                text("p", str(error), "m-trouble")


def _chart() -> TimeChart:
    with tag("div", "m-chart-box"):
        chart = TimeChart()
        with chart:
            text("p", "Nothing was logged by step.")
    return chart
