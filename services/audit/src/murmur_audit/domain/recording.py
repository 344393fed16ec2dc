"""Which topics are recorded as digests of batches, and which records are asked for again before a gap is believed."""

from collections.abc import Mapping
from typing import TypeVar

P = TypeVar("P")

DIGESTED = frozenset({"prediction.logged", "feedback.recorded"})
"""What models say many times a second: they would be nearly all of the ledger. Whoever has the records can check them
against the digests. Everything else is whole, run.logged and window.measured too: projections are rebuilt from it."""


def gaps(firsts: Mapping[P, int], held: Mapping[P, int]) -> dict[P, int]:
    """Of the first offsets that were read, those that do not follow the last ones held: the offset to ask for."""
    wanted = {place: held.get(place, -1) + 1 for place in firsts}
    return {place: wanted[place] for place, offset in firsts.items() if offset > wanted[place]}
