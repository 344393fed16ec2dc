"""The tests of scipy: always installed, free to use."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import assert_never

import numpy as np
from scipy.stats import chi2_contingency, ks_2samp

from murmur_monitor.domain.comparison import Amounts, Groups, Pair
from murmur_monitor.domain.drift import ColumnTest


class ScipyDetector:
    """`scipy.stats.ks_2samp` (asymptotic) and `scipy.stats.chi2_contingency`."""

    @property
    def engine(self) -> str:
        return f"scipy {version('scipy')}"

    def load(self) -> None:
        """Nothing: scipy comes with this module."""

    def test(self, pairs: Sequence[Pair]) -> tuple[ColumnTest, ...]:
        return tuple(_test(pair) for pair in pairs)


def _test(pair: Pair) -> ColumnTest:
    match pair:
        case Amounts(name, reference, window):
            result = ks_2samp(reference, window, method="asymp")
        case Groups(name, reference, window):
            groups = max(reference.max(), window.max()) + 1
            table = np.stack([np.bincount(side, minlength=groups) for side in (reference, window)])
            result = chi2_contingency(table)
        case _:
            assert_never(pair)
    return ColumnTest(name, float(result.statistic), float(result.pvalue))
