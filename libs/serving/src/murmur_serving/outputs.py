"""A histogram of what models answer, one row of each request, in bounds that suit probabilities and any other scale, so
that two versions can be compared by it. Prometheus' own looks through its bounds one by one, which is too slow."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

_NAME = "murmur_serving_output"
_ABOUT = "Outputs predicted, of each request that of one row, drawn at random"
_STEPS = sorted(
    {step * 10.0**power for power in range(-6, 6) for step in (1, 2, 5)}
    | {0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999}
)
BOUNDS = (*(-step for step in reversed(_STEPS)), 0.0, *_STEPS)


class Tally:
    """Of one version."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, outputs: Sequence[float]) -> None:
        for output in outputs:
            if output != output:  # NaN is beyond all bounds, and would make the sum NaN for good
                self.counts[-1] += 1
                continue
            self.counts[bisect_left(BOUNDS, output)] += 1
            self.sum += output


class Outputs(Collector):
    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = {}

    def of(self, deployment: str, version: str) -> Tally:
        """The same one for the same version."""
        return self._tallies.setdefault((deployment, version), Tally())

    def forget(self, deployment: str, version: str) -> None:
        self._tallies.pop((deployment, version), None)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(_NAME, _ABOUT, labels=["deployment", "version"])
        names = [*map(str, BOUNDS), "+Inf"]
        for labels, tally in self._tallies.items():
            buckets = list(zip(names, accumulate(tally.counts), strict=True))
            family.add_metric(labels, buckets, tally.sum)
        yield family

    def describe(self) -> list[HistogramMetricFamily]:
        return [HistogramMetricFamily(_NAME, _ABOUT, labels=["deployment", "version"])]


OUTPUTS = Outputs()
REGISTRY.register(OUTPUTS)
