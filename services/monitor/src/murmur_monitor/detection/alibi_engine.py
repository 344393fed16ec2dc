"""The detectors of alibi-detect: the extra `[alibi]`. Its licence (BSL 1.1) asks for a purchase in production."""

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import assert_never

from murmur_monitor.domain.comparison import Amounts, Groups, Pair
from murmur_monitor.domain.drift import ColumnTest


class AlibiDetector:
    """`KSDrift` and `ChiSquareDrift`, one detector a column, since columns may differ in how many rows they have.

    The two are what alibi-detect's TabularDrift is made of; its correction is left to the domain, which has its own.
    """

    @property
    def engine(self) -> str:
        return f"alibi-detect {version('alibi-detect')}"

    def load(self) -> None:
        """Seconds, the first time."""
        import_module("alibi_detect.cd")

    def test(self, pairs: Sequence[Pair]) -> tuple[ColumnTest, ...]:
        return tuple(_test(pair) for pair in pairs)


def _test(pair: Pair) -> ColumnTest:
    from alibi_detect.cd import ChiSquareDrift, KSDrift  # 4.5 s: not before somebody needs it

    reference, window = pair.reference[:, None], pair.window[:, None]
    match pair:
        case Amounts():
            detector = KSDrift(reference)
        case Groups():
            detector = ChiSquareDrift(reference)
        case _:
            assert_never(pair)
    p_values, statistics = detector.score(window)
    return ColumnTest(pair.name, float(statistics[0]), float(p_values[0]))
