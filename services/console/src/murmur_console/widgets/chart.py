"""A chart that the domain laid out: drawn to the width it has, read by pointer and by keyboard."""

from datetime import datetime
from typing import Any

from nicegui.element import Element

from murmur_console.domain.charts import Chart, Line, number_words, tick_words


class TimeChart(Element, component="chart.js"):
    """Empty until `show`; children are shown while there is nothing to draw."""

    def __init__(self) -> None:
        super().__init__()
        self._props["chart"] = None

    def show(self, chart: Chart) -> None:
        fresh = _drawn(chart)
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
