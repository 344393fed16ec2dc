"""Events as people read them: one line each, aligned, coloured by service, indented by cause."""

from datetime import datetime

from rich.text import Text

from murmur_cli.palette import colour_of
from murmur_cli.words import describe
from murmur_events import Envelope

_SERVICE_WIDTH = 10
_MOST_INDENT = 8


class Storyteller:
    """Turns envelopes into lines. It remembers how deep each event stands below its root."""

    def __init__(self) -> None:
        self._depths: dict[str, int] = {}

    def line(self, envelope: Envelope) -> Text:
        depth = self._depths.get(envelope.causation_id or "", -1) + 1
        self._depths[envelope.id] = depth
        service = envelope.source if envelope.source in _KNOWN else "client"
        indent = "  " * (min(depth, _MOST_INDENT) - 1) + "└ " if depth else ""
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{_local(envelope.time):%H:%M:%S}.{envelope.time.microsecond // 1000:03d}  ", style="dim")
        line.append(f"{service:<{_SERVICE_WIDTH}} ", style=colour_of(service))
        line.append(indent, style="dim")
        line.append(envelope.topic, style=f"bold {_TROUBLE.get(envelope.topic, colour_of(service))}")
        line.append(f"  {describe(envelope.event)}")
        return line


_KNOWN = frozenset({"tracking", "registry", "trainer", "validator", "deployer", "monitor", "model-server"})
_TROUBLE = {
    "run.failed": "red",
    "deployment.failed": "red",
    "batch.failed": "red",
    "deployment.rolled_back": "red",
    "model.rejected": "yellow",
    "drift.detected": "yellow",
    "performance.degraded": "yellow",
    "alert.raised": "red",
    **{f"{service}.dead-letters": "red" for service in _KNOWN},
}


def _local(time: datetime) -> datetime:
    return time.astimezone()
