"""Which steps of a metric are shown where there are too many of them, the same ones for all runs that are compared."""

from collections.abc import Sequence


def steps(histories: Sequence[Sequence[int]], within: tuple[int, int] | None, most: int) -> frozenset[int]:
    """Evenly spread over the distinct steps of all histories, the last one among them, and each history's ends.

    within: first and last step wanted; None for all from 0 on.
    """
    known = sorted({step for history in histories for step in history})
    if not known:
        return frozenset()
    first, last = within or (0, known[-1])
    inside = [step for step in known if first <= step <= last]
    ends = {end for history in histories if history for end in (min(history), max(history)) if first <= end <= last}
    if len(inside) <= most:
        return frozenset(inside) | ends
    spread = {inside[int(at * len(inside) / most)] for at in range(most)}
    return frozenset(spread | {inside[-1]} | ends)
