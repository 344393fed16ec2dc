"""Whether a replica answers the known rows as training did."""

from collections.abc import Sequence

TOLERANCE = 1e-6


def mismatch(expected: Sequence[float], answered: Sequence[float]) -> str | None:
    """The first difference in words, or None if there is none above TOLERANCE (absolute)."""
    if len(expected) != len(answered):
        return f"training computed {len(expected)} outputs for the probe, the replica {len(answered)}"
    for row, (known, found) in enumerate(zip(expected, answered, strict=True)):
        if not abs(known - found) <= TOLERANCE:  # written so that NaN is a difference
            return f"training computed {known!r} for row {row} of the probe, the replica {found!r}"
    return None
