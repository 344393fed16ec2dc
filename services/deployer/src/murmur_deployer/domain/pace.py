"""How fast something answers, from two looks at what it has counted."""

from dataclasses import dataclass

from murmur_deployer.domain.canary import Counts
from murmur_deployer.domain.traffic import quantile


@dataclass(frozen=True)
class Pace:
    """Of one stretch of `seconds`. rate, errors: requests and failed requests a second. p50, p99: milliseconds, None
    where nothing was answered."""

    seconds: float
    rate: float
    errors: float
    p50: float | None
    p99: float | None


def pace(came: Counts, seconds: float) -> Pace:
    """came: what was counted in so many seconds, more than 0."""
    return Pace(
        seconds,
        came.requests / seconds,
        came.errors / seconds,
        quantile(came.latency, 0.5),
        quantile(came.latency, 0.99),
    )
