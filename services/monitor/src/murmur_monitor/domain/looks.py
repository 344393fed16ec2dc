"""When a window's labels are looked at to judge it, and how sure each look must be.

Labels drip in for days. Judged anew at each of them, at one level, nearly every stable window would be found degraded
at some moment: ten looks at 5 % reject about 19 % (Armitage, McPherson and Rowe 1969). So a window is looked at when
its labels have doubled, and the looks share its error rate (alpha spending, Lan and DeMets 1983): look k may err with
rate / (k (k + 1)). These sum to the rate, however many looks there are and however they depend on each other; the
doubling with such shares is the stitching of Howard, Ramdas, McAuliffe and Sekhon (2021). It asks one thing: that
*when* labels come does not follow from what they say.
"""

from dataclasses import dataclass
from statistics import NormalDist

_GROWTH = 2


@dataclass(frozen=True)
class Looks:
    """How often a window was judged by its labels, and how many there were at the last time."""

    taken: int = 0
    labels: int = 0

    def due(self, labelled: int, answered: int) -> bool:
        """With twice the labels, and at every change once all predictions have one, since nothing more is to come."""
        return labelled >= _GROWTH * self.labels or labelled >= answered

    def after(self, labelled: int) -> "Looks":
        return Looks(self.taken + 1, labelled)

    def widening(self, confidence: float) -> float:
        """How many times as wide as its two-sided interval of `confidence` an estimate must be taken at the next look:
        the one-sided error rate is (1 - confidence) / 2 for all looks together. For estimates that are about normal.
        """
        look, rate = self.taken + 1, (1 - confidence) / 2
        return _deviations(rate / (look * (look + 1))) / _deviations(rate)


def _deviations(rate: float) -> float:
    return NormalDist().inv_cdf(1 - rate)
