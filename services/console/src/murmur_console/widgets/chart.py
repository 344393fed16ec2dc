"""A chart that the domain laid out: drawn to the width it has, read by pointer and by keyboard."""

from datetime import datetime
from typing import Any

from nicegui.element import Element

from murmur_console.domain.charts import Chart, Line, number_words, tick_words
from murmur_console.domain.curves import CurveChart
from murmur_console.domain.numbers import exact


class TimeChart(Element, component="chart.js"):
    """Empty until `show`; children are shown while there is nothing to draw."""

    def __init__(self) -> None:
        super().__init__()
        self._props["chart"] = None

    def show(self, chart: Chart) -> None:
        self._show(_drawn(chart))

    def show_curves(self, chart: CurveChart) -> None:
        """Over steps rather than time."""
        self._show(_drawn_over_steps(chart))

    def _show(self, fresh: dict[str, Any]) -> None:
        if fresh != self._props["chart"]:
            self._props["chart"] = fresh
            self.update()


def _drawn(chart: Chart) -> dict[str, Any]:
    return {
        "title": f"{chart.title}, {chart.unit}" if chart.unit else chart.title,
        "start": _ms(chart.axis.start),
        "end": _ms(chart.axis.end),
        "moments": [_ms(tick) for tick in chart.axis.ticks],
        "bottom": chart.bottom,
        "top": chart.top,
        "ticks": [
            {"at": tick, "words": words} for tick, words in zip(chart.ticks, tick_words(chart.ticks), strict=True)
        ],
        "lines": [_line(one) for one in chart.lines],
        "marks": [
            {"number": mark.number, "at": _ms(mark.at), "kind": mark.kind, "words": mark.words} for mark in chart.marks
        ],
    }


def _drawn_over_steps(chart: CurveChart) -> dict[str, Any]:
    return {
        "title": chart.title,
        "over": "step",
        "start": chart.first,
        "end": chart.last,
        "moments": list(chart.steps),
        "bottom": chart.bottom,
        "top": chart.top,
        "ticks": [
            {"at": tick, "words": words} for tick, words in zip(chart.ticks, tick_words(chart.ticks), strict=True)
        ],
        "lines": [
            {
                "name": line.name,
                "style": line.style,
                "parts": [
                    [
                        {"at": step, "value": value, "low": None, "high": None, "words": exact(value)}
                        for step, value in part
                    ]
                    for part in line.parts
                ],
            }
            for line in chart.lines
        ],
        "marks": [],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "style": line.style,
        "parts": [
            [
                {
                    "at": _ms(point.middle),
                    "value": point.value,
                    "low": point.low,
                    "high": point.high,
                    "words": number_words(point.value),
                }
                for point in part
            ]
            for part in line.parts
        ],
    }


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
