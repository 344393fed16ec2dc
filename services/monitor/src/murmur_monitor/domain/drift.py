"""From one p-value a column to one verdict a window, without finding drift by looking at many columns."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ColumnTest:
    """How much one column differs from the reference, and how likely that is by chance alone."""

    name: str
    statistic: float
    p_value: float


@dataclass(frozen=True)
class Verdict:
    """A column has drifted if, and only if, its p-value is below the threshold."""

    threshold: float
    drifted: tuple[str, ...]


def judge(tests: Sequence[ColumnTest], *, error_rate: float) -> Verdict:
    """Holm's step-down procedure (Holm 1979): the chance that a stable window has any drifted column is at most
    `error_rate`, however the columns depend on each other; never less powerful than Bonferroni's correction.
    """
    ranked = sorted(tests, key=lambda test: test.p_value)
    remaining = len(ranked)
    for test in ranked:
        if test.p_value >= error_rate / remaining:
            break
        remaining -= 1
    threshold = error_rate / max(1, remaining)
    return Verdict(threshold, tuple(test.name for test in tests if test.p_value < threshold))
