"""Which way a search goes: along the order until the page is full, or by the rarest condition and then sorted.

Looking costs time too. So a first look counts little and only where an index is entered; a walk that seems short is
tried within bounds; only where it is not, or has proved not to be, a second look counts all that can be counted.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from murmur_search.normal import Normal
from murmur_search.sqlite_probe import Probe, probe, runs_of

FETCH = 1.5
"""What a run costs that is found by a condition, in steps of a walk: most are dropped by the next one there too."""

FEW = 300
"""Runs that are fetched in less time than it takes to reckon whether they should be."""

SHORT = 5_000
"""Steps of a walk that is tried without a second look. To count so many in an index takes a third of a millisecond."""

THOROUGH = 60_000
INSTRUCTIONS = 200_000
"""Of SQLite's machine: about 10,000 steps of a walk, which is 10 to 20 ms."""

_LOOKS = 10  # at how many instructions it has done

_OTHER_SHARE = 0.5  # of runs that meet a condition of which nothing can be known


@dataclass(frozen=True)
class Plan:
    """`probes`: the rarest first. `rare`: to be entered by the first of them. `short`: the walk, as far as is known."""

    probes: tuple[Probe, ...]
    rare: bool = False
    short: bool = True

    @property
    def empty(self) -> bool:
        return bool(self.probes) and self.probes[0].found == 0

    @property
    def rarest(self) -> Probe | None:
        """By which an index can be entered."""
        return self.probes[0] if self.probes and self.probes[0].found is not None else None

    def sorted(self, needed: Sequence[Normal]) -> list[Normal]:
        """The rarest condition first, those that are more than one field's last."""
        first = [condition for one in self.probes for condition in one.conditions]
        known = {id(condition) for condition in first}
        return [*first, *(one for one in needed if id(one) not in known)]


def look(connection: sqlite3.Connection, experiment: int, needed: Sequence[Normal], limit: int) -> Plan:
    probes = probe(connection, experiment, needed, SHORT)
    if not probes or probes[0].found in (None, 0):
        return Plan(tuple(probes))
    found = probes[0].found if probes[0].exact else None
    if found is not None and found <= FEW:
        return Plan(tuple(probes), rare=True)
    walk = _walk(probes, needed, runs_of(connection, experiment, SHORT), limit)
    short = walk <= SHORT or found is not None  # then there is nothing better to be learnt
    return Plan(tuple(probes), rare=found is not None and found * FETCH < walk, short=short)


def look_again(
    connection: sqlite3.Connection, experiment: int, needed: Sequence[Normal], limit: int, *, tried: bool
) -> Plan:
    """`tried`: a short walk has led to nothing, so the conditions exclude each other more than their shares say."""
    probes = probe(connection, experiment, needed, THOROUGH, thorough=True)
    if not probes or probes[0].found is None or not probes[0].exact:
        return Plan(tuple(probes))
    runs = runs_of(connection, experiment, SHORT)
    walk = runs if tried else _walk(probes, needed, runs, limit)
    return Plan(tuple(probes), rare=probes[0].found * FETCH < walk)


def _walk(probes: Sequence[Probe], needed: Sequence[Normal], runs: int, limit: int) -> float:
    """Steps until the page is full, if conditions have nothing to do with each other."""
    share = 1.0
    for one in probes:
        share *= one.share(runs)
    others = len(needed) - sum(len(one.conditions) for one in probes)
    return min(runs, limit / max(share * _OTHER_SHARE**others, 1e-9))


class TooLong(Exception):
    """A statement was given up."""


@contextmanager
def short_of_steps(connection: sqlite3.Connection) -> Iterator[None]:
    """What is asked within is given up when it takes more instructions than a short walk. Raises TooLong."""
    looks = 0  # SQLite counts on where it has used a statement before, so one look may come at once

    def give_up() -> bool:
        nonlocal looks
        looks += 1
        return looks > _LOOKS

    connection.set_progress_handler(give_up, max(1, INSTRUCTIONS // _LOOKS))
    try:
        yield
    except sqlite3.OperationalError:
        if looks > _LOOKS:
            raise TooLong from None
        raise
    finally:
        connection.set_progress_handler(None, 0)
