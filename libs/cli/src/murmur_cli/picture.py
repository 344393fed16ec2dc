"""A chain of events as a picture: a lane per service, time downwards, an arrow from each cause to its effect."""

from collections.abc import Sequence
from html import escape

from murmur_cli.palette import SERVICE_COLOURS, colour_of
from murmur_cli.words import describe
from murmur_events import Envelope

_LANE, _ROW, _TOP, _LEFT = 92, 30, 56, 60
_TEXT_LIMIT = 74

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.time { font: 10px ui-monospace, monospace; fill: #6e7781; font-variant-numeric: tabular-nums }
.lane { stroke: #d0d7de; stroke-width: 1 }
.cause { fill: none; stroke: #8c959f; stroke-width: 1.2 }
.topic { font-weight: 600 }
.paper { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .time { fill: #8b949e } .lane { stroke: #30363d } .cause { stroke: #6e7681 }
  .paper { fill: #0d1117 }
}
"""


class NothingToDraw(ValueError):
    """There are no events."""


def draw(envelopes: Sequence[Envelope]) -> str:
    """An SVG document that stands alone, for light and dark pages. Raises NothingToDraw for no events."""
    if not envelopes:
        raise NothingToDraw("no event matches, so there is nothing to draw")
    lanes = [name for name in SERVICE_COLOURS if any(_lane_of(envelope) == name for envelope in envelopes)]
    places = {
        envelope.id: (_LEFT + _LANE * (lanes.index(_lane_of(envelope)) + 0.5), _TOP + _ROW * (row + 0.5))
        for row, envelope in enumerate(envelopes)
    }
    right = _LEFT + _LANE * len(lanes)
    width, height = right + 620, _TOP + _ROW * len(envelopes) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img"'
        f' aria-label="Events of one workflow, a lane per service, arrows from cause to effect">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0 L6 3 L0 6 z" fill="#8c959f"/></marker></defs>',
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    for number, lane in enumerate(lanes):
        x = _LEFT + _LANE * (number + 0.5)
        parts.append(f'<line class="lane" x1="{x}" y1="{_TOP - 16}" x2="{x}" y2="{height - 8}"/>')
        parts.append(
            f'<text x="{x}" y="{_TOP - 26}" text-anchor="middle" style="fill:{colour_of(lane)}" class="topic">'
            f"{escape(lane)}</text>"
        )
    parts += [
        _arrow(places[envelope.causation_id], places[envelope.id])
        for envelope in envelopes
        if envelope.causation_id is not None and envelope.causation_id in places
    ]
    parts += [_row(envelope, places[envelope.id], right) for envelope in envelopes]
    return "\n".join([*parts, "</svg>", ""])


def _lane_of(envelope: Envelope) -> str:
    return envelope.source if envelope.source in SERVICE_COLOURS else "client"


def _arrow(cause: tuple[float, float], effect: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = cause, effect
    if x1 == x2:
        bend = x1 - 26
        return f'<path class="cause" marker-end="url(#tip)" d="M{x1 - 5} {y1} C{bend} {y1} {bend} {y2} {x2 - 8} {y2}"/>'
    stop = x2 - 8 if x2 > x1 else x2 + 8
    return f'<path class="cause" marker-end="url(#tip)" d="M{x1} {y1 + 5} C{x1} {y2} {x1} {y2} {stop} {y2}"/>'


def _row(envelope: Envelope, place: tuple[float, float], right: float) -> str:
    x, y = place
    colour = colour_of(_lane_of(envelope))
    words = describe(envelope.event)
    words = words if len(words) <= _TEXT_LIMIT else words[: _TEXT_LIMIT - 1] + "…"
    return (
        f'<text class="time" x="4" y="{y + 4}">{envelope.time:%H:%M:%S}</text>'
        f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}"><title>{envelope.id}</title></circle>'
        f'<text x="{right + 8}" y="{y + 4}"><tspan class="topic" style="fill:{colour}">{escape(envelope.topic)}</tspan>'
        f" {escape(words)}</text>"
    )
