"""What the front door has counted, and what that says of a stretch of time."""

from dataclasses import dataclass

Buckets = tuple[tuple[float, int], ...]
"""Of a histogram: upper bounds (milliseconds, ascending) and how many were not above them since the beginning."""


@dataclass(frozen=True)
class Traffic:
    """Of one pool, since the front door started. requests: attempts at its replicas, repetitions included."""

    requests: int = 0
    latency: Buckets = ()


@dataclass(frozen=True)
class Load:
    """Of one stretch that ended at `at` (seconds of any clock). p99: milliseconds, None where nothing was answered."""

    at: float
    rate: float
    p99: float | None


def load(before: Traffic, after: Traffic, *, at: float, seconds: float) -> Load | None:
    """None where the counts began anew in between."""
    if after.requests < before.requests or seconds <= 0:
        return None
    return Load(at, (after.requests - before.requests) / seconds, quantile(minus(after.latency, before.latency), 0.99))


def minus(after: Buckets, before: Buckets) -> Buckets:
    """What came in between; all of `after` where `before` has other bounds, as one of nothing has."""
    known = dict(before)
    if len(before) != len(after):
        return after
    return tuple((bound, count - known.get(bound, 0)) for bound, count in after)


def quantile(buckets: Buckets, share: float) -> float | None:
    """By linear interpolation within its bucket, as Prometheus does (histogram_quantile); None of nothing."""
    total = buckets[-1][1] if buckets else 0
    if total <= 0:
        return None
    wanted, lower, below = share * total, 0.0, 0
    for bound, count in buckets:
        if count >= wanted and count > below:
            return lower + (bound - lower) * (wanted - below) / (count - below)
        lower, below = bound, count
    return lower
