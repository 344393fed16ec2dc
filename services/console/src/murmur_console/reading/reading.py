"""The form of a reading, and the table that its three neighbours fill: one entry for each type of event."""

from dataclasses import dataclass
from functools import singledispatch

from murmur_console.domain.facts import Tone, Work
from murmur_events import Event


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What an event says, without who and when."""

    label: str
    headline: str
    tone: Tone = Tone.PLAIN
    workflow: str | None = None
    model: str | None = None
    version: int | None = None
    run: str | None = None
    repeats: str | None = None
    opens: tuple[Work, ...] = ()
    closes: tuple[Work, ...] = ()


@singledispatch
def read(event: Event) -> Reading:
    """An event that this console is too old to know is shown by its name."""
    return Reading(label=type(event).__name__, headline="")


def first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
