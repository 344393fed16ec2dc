"""Draws runs through parallel axes with the ECharts that NiceGUI brings; the tables beside it hold the same values."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from murmur_console.domain.parallel import Picture

_AXIS_WIDTH = 120
_MUTED = "getComputedStyle(document.querySelector('.m-main')).getPropertyValue('--muted')"
_LINE = "getComputedStyle(document.querySelector('.m-main')).getPropertyValue('--line-0')"


def parallel(picture: Picture, names: Sequence[str], label: str) -> None:
    """names: of the runs, in the order of the picture's rows."""
    axes = [_axis(number, one.name, one.categories) for number, one in enumerate(picture.axes)]
    data = [
        {"name": name, "value": ["-" if value is None else value for value in row]}
        for name, row in zip(names, picture.rows, strict=True)
    ]
    words = {":color": _MUTED, "fontSize": 11}
    options: dict[str, Any] = {
        "animation": False,
        "tooltip": {"trigger": "item"},
        "parallel": {
            "left": 56,
            "right": 72,
            "top": 40,
            "bottom": 24,
            "parallelAxisDefault": {
                "nameTextStyle": words,
                "axisLabel": words,
                "axisLine": {"lineStyle": {":color": _MUTED}},
                "axisTick": {"lineStyle": {":color": _MUTED}},
                "nameGap": 16,
            },
        },
        "parallelAxis": axes,
        "series": [
            {
                "type": "parallel",
                "lineStyle": {"width": 1.75, "opacity": 0.7, ":color": _LINE},
                "emphasis": {"lineStyle": {"width": 3.5, "opacity": 1}},
                "data": data,
            }
        ],
    }
    chart = ui.echart(options, renderer="svg")
    chart.props["role"] = "img"
    chart.props["aria-label"] = label
    chart.style(f"height: 320px; min-width: {_AXIS_WIDTH * len(picture.axes)}px")


def _axis(number: int, name: str, categories: Sequence[str]) -> dict[str, Any]:
    kind = {"type": "category", "data": list(categories)} if categories else {"type": "value", "scale": True}
    return {"dim": number, "name": name, **kind}
