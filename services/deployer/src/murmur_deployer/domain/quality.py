"""What late labels tell of a canary: the quality of both versions, compared window by window.

The traffic of a window is the same for both versions, so what makes its rows hard falls out of the difference. Windows
are weighted by how many labels they have, never by their own spread, which goes with the value of a ranking metric.

Labels come when they like, and windows are measured again: nothing is assumed of how one look depends on another. A
look is taken each time that there are a tenth more labels; of the false alarms 6/(pi j)^2 is spent on look j, as in
`sequential.shift` (an alpha that is spent over the looks: K. K. G. Lan, D. L. DeMets, Biometrika 70, 1983; the sum
bounds the whole by Boole's inequality). At one look the loss is compared with its standard error, in the limit of many
labels.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import NormalDist

from murmur_deployer.domain.rules import QualityRules
from murmur_deployer.domain.sequential import spent

LESS_IS_BETTER = frozenset({"log_loss", "brier"})
_GROWTH = 1.1
"""So many times the labels of the look before make another one."""
_RESERVED = 2
"""Looks whose alpha, three quarters of it, is never spent: the interval of a ranking metric of seven positives is too
narrow by about as much (measured: one in 53 equally good ones is 2.43 standard errors worse, one in 130 should be)."""
_MOST_WINDOWS = 1000
"""Of each version, the newest: a canary that waits for labels for weeks keeps no more."""


@dataclass(frozen=True)
class WindowQuality:
    """Of one version in one window. A higher revision has seen more labels. error: standard error of the value."""

    start: datetime
    revision: int
    labelled: int
    value: float
    error: float


@dataclass(frozen=True)
class Look:
    """number: counts from 1. labels: of the version that had fewer. loss: how much worse the canary is."""

    number: int
    labels: int
    stable: float
    canary: float
    loss: float
    error: float

    @property
    def statistic(self) -> float:
        """So many standard errors is the canary worse."""
        return self.loss / self.error

    def threshold(self, alpha: float) -> float:
        """Beyond it the canary is certainly worse: an equally good one ever is with a probability of at most alpha."""
        return NormalDist().inv_cdf(1 - spent(alpha, self.number + _RESERVED))


@dataclass(frozen=True)
class CanaryLabels:
    """What is known by labels of one canary, which began at `began`. look: the newest."""

    deployment: str
    began: datetime
    stable_version: int
    canary_version: int
    metric: str
    stable: tuple[WindowQuality, ...] = ()
    canary: tuple[WindowQuality, ...] = ()
    look: Look | None = None

    def is_of(self, other: "CanaryLabels") -> bool:
        """The same canary, judged by the same metric."""
        return replace(self, stable=(), canary=(), look=None) == replace(other, stable=(), canary=(), look=None)

    @property
    def labels(self) -> tuple[int, int]:
        """Of the stable version and of the canary, in the windows in which both have some."""
        pairs = self._pairs()
        return sum(left.labelled for left, _ in pairs), sum(right.labelled for _, right in pairs)

    def seen(self, version: int, window: WindowQuality, rules: QualityRules) -> "CanaryLabels":
        """With one window more, or measured again; another look where there are enough labels for one."""
        if version == self.canary_version:
            known = replace(self, canary=_with(self.canary, window))
        else:
            known = replace(self, stable=_with(self.stable, window))
        labels = min(known.labels)
        before = known.look
        if labels < (rules.min_labelled if before is None else before.labels * _GROWTH):
            return known
        number = 1 if before is None else before.number + 1
        return replace(known, look=_compared(known._pairs(), self.metric, number, labels))

    def _pairs(self) -> tuple[tuple[WindowQuality, WindowQuality], ...]:
        """(stable, canary) of each window in which both have labels."""
        canary = {window.start: window for window in self.canary}
        return tuple((window, canary[window.start]) for window in self.stable if window.start in canary)


def _with(windows: tuple[WindowQuality, ...], new: WindowQuality) -> tuple[WindowQuality, ...]:
    known = {window.start: window for window in windows}
    if new.start in known and known[new.start].revision >= new.revision:
        return windows
    return tuple(sorted((known | {new.start: new}).values(), key=lambda window: window.start)[-_MOST_WINDOWS:])


def _compared(pairs: tuple[tuple[WindowQuality, WindowQuality], ...], metric: str, number: int, labels: int) -> Look:
    """The weighted mean of the losses. Its variance: what the windows' own errors say, or how far the windows are from
    each other if that is more, as it is where rows of a window resemble each other."""
    sign = -1 if metric in LESS_IS_BETTER else 1
    weights = [left.labelled * right.labelled / (left.labelled + right.labelled) for left, right in pairs]
    total = sum(weights)
    shares = [weight / total for weight in weights]
    losses = [sign * (left.value - right.value) for left, right in pairs]
    loss = sum(share * each for share, each in zip(shares, losses, strict=True))
    within = sum(share**2 * _variance(*pair) for share, pair in zip(shares, pairs, strict=True))
    between = sum(share**2 * (each - loss) ** 2 for share, each in zip(shares, losses, strict=True))
    between *= len(pairs) / max(1, len(pairs) - 1)
    return Look(
        number,
        labels,
        stable=sum(share * left.value for share, (left, _) in zip(shares, pairs, strict=True)),
        canary=sum(share * right.value for share, (_, right) in zip(shares, pairs, strict=True)),
        loss=loss,
        error=math.sqrt(max(within, between)),
    )


def _variance(stable: WindowQuality, canary: WindowQuality) -> float:
    """Of the difference in one window: of two estimates on their own, or of two that share what one row contributes, if
    that is more. A version with few labels, all answered alike, has an error near 0 that says nothing."""
    left, right = _squared(stable), _squared(canary)
    sizes = stable.labelled, canary.labelled
    shared = (sizes[0] ** 2 * left + sizes[1] ** 2 * right) / (sizes[0] * sizes[1])
    return max(left + right, shared)


def _squared(window: WindowQuality) -> float:
    """At least what one label more would do to a mean."""
    return max(window.error, 1 / window.labelled) ** 2
