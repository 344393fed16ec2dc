"""What every page is built over."""

from dataclasses import dataclass

from murmur_console.clients import FrontDoor
from murmur_console.memory import Memory
from murmur_console.roster import Roster
from murmur_console.signing.sessions import Sessions


@dataclass(frozen=True)
class Console:
    """`memory` is what was heard, `roster` how the services are, `door` what may be asked of them."""

    memory: Memory
    roster: Roster
    door: FrontDoor
    source: str
    """Where events come from, in words for people."""
    sessions: Sessions
    """Who looks at it."""
