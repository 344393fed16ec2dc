"""What the monitor has measured, window by window: charts of all versions over one time axis, a table behind each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from murmur_console.context import Console
from murmur_console.domain import charts
from murmur_console.domain.charts import Axis, Line, Point, number_words
from murmur_console.domain.deployments import Window
from murmur_console.domain.happenings import Happening, happenings, marks
from murmur_console.domain.history import History
from murmur_console.pages.deployment.heading import path_of
from murmur_console.pages.parts import tag, text
from murmur_console.serving_now import Look
from murmur_console.widgets import table
from murmur_console.widgets.chart import TimeChart
from murmur_console.widgets.table import Column, Row, Table

_HAPPENED = (
    Column("number", "No.", "right"),
    Column("time", "When"),
    Column("what", "What happened"),
    Column("words", "In full"),
)
_ROWS = (
    Column("window", "Window"),
    Column("version", "Version"),
    Column("value", "Value", "right"),
    Column("detail", "Detail"),
)
_SHOWN_ROWS = 60
_SPANS = {"15m": "15 min", "1h": "1 h", "6h": "6 h", "1d": "1 day", "all": "all"}


@dataclass(frozen=True)
class _Measure:
    """title and unit: None where they depend on the workflow. value: what is drawn. detail: what the table adds."""

    title: str
    unit: str
    value: Callable[[Window, str], Point | None]
    detail: Callable[[Window], str] = lambda window: ""
    from_zero: bool = True
    empty: str = "No window has it yet."


def _plain(value: Callable[[Window], float | None]) -> Callable[[Window, str], Point | None]:
    def point(window: Window, metric: str) -> Point | None:
        found = value(window)
        return Point(window.start, window.end, found) if found is not None else None

    return point


def _quality(window: Window, metric: str) -> Point | None:
    if (value := window.quality.get(metric)) is None:
        return None
    spread = window.quality_interval
    if spread is None:
        return Point(window.start, window.end, value)
    return Point(window.start, window.end, spread.value, spread.low, spread.high)


def _labels(window: Window) -> str:
    spread = window.quality_interval
    interval = f", {number_words(spread.low)} to {number_words(spread.high)}" if spread else ""
    return f"{window.labelled:,} labels{interval}" + (f"; {window.quality_detail}" if window.quality_detail else "")


def _failed(window: Window) -> float | None:
    return 100 * window.errors / window.rows if window.rows else None


_MEASURES = (
    _Measure("Predictions a second", "", _plain(lambda window: window.rate), lambda window: f"{window.rows:,} rows"),
    _Measure("Failed requests", "%", _plain(_failed), lambda window: f"{window.errors:,} of {window.rows:,}"),
    _Measure("p50 latency", "ms", _plain(lambda window: window.latency_p50_ms)),
    _Measure("p99 latency", "ms", _plain(lambda window: window.latency_p99_ms)),
    _Measure(
        "Quality",
        "",
        _quality,
        _labels,
        from_zero=False,
        empty="No window has enough labels yet. Labels come by murmur feedback, however late.",
    ),
    _Measure("Mean output", "", _plain(lambda window: window.output_mean), lambda window: window.detail, False),
)


class MeasuredPanel:
    """Charts, and the numbered list of what their vertical lines mean."""

    def __init__(self, console: Console, name: str, span: str) -> None:
        self._console = console
        self._name = name
        self._span = span if span in charts.SPANS else charts.USUAL_SPAN
        with tag("div", "m-chart-head"):
            text("h2", "Measured, window by window")
            with tag("nav", "m-spans", aria_label="How much of the past"):
                for one, words in _SPANS.items():
                    current = {"aria_current": "true"} if one == self._span else {}
                    text("a", words, href=f"{path_of(name)}?{urlencode({'span': one})}", **current)
        with tag("div", "m-charts"):
            self._charts = [_OneChart(measure) for measure in _MEASURES]
        text("h2", "What happened, newest first")
        self._happened = Table("What the numbered lines of the charts mean, newest first", _HAPPENED)
        with self._happened:
            text("p", "Nothing has happened in this time.")

    def show(self, history: History, look: Look) -> None:
        told = happenings(history)
        over = _axis(history, told, self._span)
        shown = [one for one in told if over.start <= one.at <= over.end]
        workflow = self._console.memory.estate.workflows.get(self._name)
        metric = workflow.serving.metric if workflow else "auc"
        for one in self._charts:
            one.show(history, over, shown, metric)
        self._happened.show(self._line(number, happening) for number, happening in reversed([*enumerate(shown, 1)]))

    def _line(self, number: int, happening: Happening) -> Row:
        return Row(
            f"{happening.at.isoformat()} {happening.kind} {happening.label}",
            {
                "number": table.text(number),
                "time": table.when(happening.at),
                "what": table.link(happening.label, f"/workflows/{self._name}?chain={happening.chain}"),
                "words": table.text(happening.words, tone=happening.tone),
            },
        )


class _OneChart:
    """A chart and the table behind it, which is filled when it is unfolded and while it is."""

    def __init__(self, measure: _Measure) -> None:
        self._measure = measure
        with tag("div", "m-chart-box"):
            self._chart = TimeChart()
            with self._chart:
                text("p", measure.empty)
            with tag("details", "m-behind") as self._behind:
                text("summary", "Table")
                self._table = Table(f"{measure.title} by window and version, newest first", _ROWS).classes("m-evidence")
                with self._table:
                    text("p", measure.empty)

    def show(self, history: History, over: Axis, shown: list[Happening], metric: str) -> None:
        measure = self._measure
        title = f"Quality: {metric.replace('_', ' ')}" if measure.value is _quality else measure.title
        windows = [one for one in history.windows if over.start <= one.start and one.end <= over.end]
        points = [(one, point) for one in windows if (point := measure.value(one, metric)) is not None]
        lines = [
            charts.line(f"v{version}", style, [point for window, point in points if window.version == version])
            for style, version in enumerate(history.versions())
        ]
        drawn = charts.chart(title, measure.unit, over, _told(lines), marks(shown), from_zero=measure.from_zero)
        self._chart.show(drawn)
        self._behind.set_visibility(bool(points))
        self._table.show(self._row(window, point) for window, point in reversed(points[-_SHOWN_ROWS:]))

    def _row(self, window: Window, point: Point) -> Row:
        return Row(
            f"{window.start.isoformat()} {window.version}",
            {
                "window": table.when(window.start),
                "version": table.text(f"v{window.version}"),
                "value": table.text(number_words(point.value)),
                "detail": table.text(self._measure.detail(window)),
            },
        )


def _told(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.parts]


def _axis(history: History, told: list[Happening], span: str) -> Axis:
    """Up to the newest that is known, so that nothing moves while nothing comes."""
    moments = [one.end for one in history.windows] + [one.at for one in told]
    end = max(moments)
    length = charts.spans(span)
    begins = min([one.start for one in history.windows] + [one.at for one in told])
    start: datetime = begins if length is None else max(end - length, begins - timedelta(seconds=1))
    return charts.axis(min(start, end - timedelta(minutes=1)), end)
