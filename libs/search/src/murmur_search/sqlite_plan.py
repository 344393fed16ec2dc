"""Which way a search goes: along the order until the page is full, or by the rarest condition and then sorted."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from murmur_search.normal import Normal
from murmur_search.sqlite_probe import Probe, probe, runs_of

FETCH = 3.0
"""What a run costs that is found by a condition (its row, the values it is ordered by, sorting), in steps of a walk."""

_LOOK = 5_000  # counting so many takes a third of a millisecond
_LOOK_AGAIN = 60_000
FEW = 300  # are fetched in less time than it takes to reckon whether they should be
_OTHER_SHARE = 0.5  # of runs that meet a condition of which nothing can be known


@dataclass(frozen=True)
class Plan:
    """`probes`: the rarest first. `rare`: to be entered by the first of them."""

    probes: tuple[Probe, ...]
    rare: bool = False

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


def plan(connection: sqlite3.Connection, experiment: int, needed: Sequence[Normal], limit: int) -> Plan:
    """Looks twice where the first look has not told what is rare and the walk may be long."""
    runs: int | None = None
    probes: list[Probe] = []
    for bound in (_LOOK, _LOOK_AGAIN):
        probes = probe(connection, experiment, needed, bound)
        if not probes or probes[0].found in (None, 0):
            break
        if probes[0].exact and (probes[0].found or 0) <= FEW:
            return Plan(tuple(probes), rare=True)
        runs = runs_of(connection, experiment, _LOOK) if runs is None else runs
        walk = _walk(probes, needed, runs, limit)
        if probes[0].exact:
            return Plan(tuple(probes), rare=(probes[0].found or 0) * FETCH < walk)
        if walk <= _LOOK:
            break
    return Plan(tuple(probes))


def _walk(probes: Sequence[Probe], needed: Sequence[Normal], runs: int, limit: int) -> float:
    """Steps until the page is full, if conditions have nothing to do with each other."""
    share = 1.0
    for one in probes:
        share *= one.share(runs)
    others = len(needed) - sum(len(one.conditions) for one in probes)
    return min(runs, limit / max(share * _OTHER_SHARE**others, 1e-9))
