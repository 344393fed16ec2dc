"""Turns matplotlib figures into SVG that belongs to its page: the page's colours, its font, its light and dark.

Figures are drawn without pyplot, whose global state threads would share. Colours are drawn as marks and replaced in the
SVG's text, since matplotlib knows no CSS variables.
"""

import io
import re
import threading
from enum import StrEnum
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

_DRAWING = threading.Lock()
"""matplotlib's settings are global; those that savefig reads are set for one thread at a time."""


class Ink(StrEnum):
    """Colours by purpose: each is a mark in the drawing and a CSS variable on the page."""

    TEXT = "#010203"
    QUIET = "#010204"
    GRID = "#010205"
    CANDIDATE = "#010206"
    BASELINE = "#010207"
    POSITIVE = "#010208"
    NEGATIVE = "#010209"
    BAD = "#01020a"

    @property
    def variable(self) -> str:
        return f"var(--{self.name.lower()})"


def new_figure(width: float, height: float) -> Figure:
    """A transparent figure of so many inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    return figure


def quiet(axes: Axes) -> Axes:
    """The same axes; ticks and frame step back behind the data."""
    axes.patch.set_alpha(0)
    axes.grid(visible=True, color=Ink.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=Ink.QUIET, labelcolor=Ink.QUIET, labelsize=9)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(Ink.GRID)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=Ink.TEXT, fontsize=9.5)
    return axes


def legend(axes: Axes, **where: Any) -> None:
    axes.legend(frameon=False, labelcolor=Ink.TEXT, fontsize=9, **where)


def to_svg(figure: Figure, *, name: str, title: str) -> str:
    """An <svg> element to stand in a page. name: makes its ids its own; title: what a screen reader says."""
    FigureCanvasSVG(figure)
    stream = io.StringIO()
    with _DRAWING, matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "murmuration"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return _of_the_page(stream.getvalue(), name, title)


def _of_the_page(document: str, name: str, title: str) -> str:
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style type=\"text/css\">.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(?<= )(width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(|xlink:href=")#', rf"\1#{name}-", svg)
    svg = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "system-ui, sans-serif", svg)
    for ink in Ink:
        svg = svg.replace(ink.value, ink.variable)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
