"""Sequential tests: they may be looked at as often as one likes, and the stated rate of false alarms holds all the
same.

- `Comparison`, whether bad things are a larger share of one stream than of another: a test martingale, the product of
  E-variables for two Bernoulli streams in blocks (R. J. Turner, A. Ly, P. D. Grünwald, "Generic E-variables for exact
  sequential k-sample tests that allow for optional stopping", J. Stat. Plan. Inference 230, 2024), averaged over a grid
  of alternatives as in a mixture SPRT (H. Robbins, Ann. Math. Stat. 41, 1970). By Ville's inequality it exceeds 1/alpha
  ever with a probability of at most alpha while the shares are equal, or the second one is smaller; the share itself
  may change from block to block. What happens together in a block counts as one trial of its stream (`together`).
- `shift`, how far two distributions are apart at least: the inequality of Dvoretzky, Kiefer and Wolfowitz with
  Massart's constant (P. Massart, Ann. Probab. 18, 1990) for each; of its alpha 6/(pi j)^2 is spent on look j.
"""

import math
from dataclasses import dataclass, replace

_EXCESSES = (0.003, 0.01, 0.03, 0.1, 0.3, 0.6)
"""Alternatives: by so much is the second share above the first."""
_FLOOR = 1e-6


@dataclass(frozen=True)
class Tally:
    """Trials, and how many of them went badly."""

    trials: float = 0.0
    bad: float = 0.0

    @property
    def share(self) -> float:
        return self.bad / self.trials if self.trials else 0.0

    @property
    def as_one(self) -> "Tally":
        return Tally(1.0, self.share)

    def plus(self, other: "Tally") -> "Tally":
        return Tally(self.trials + other.trials, self.bad + other.bad)


@dataclass(frozen=True)
class Comparison:
    """stable, canary: all that was seen. logs: the logarithm of each alternative's martingale."""

    stable: Tally = Tally()
    canary: Tally = Tally()
    logs: tuple[float, ...] = (0.0,) * len(_EXCESSES)

    @property
    def evidence(self) -> float:
        """Logarithm of the mixture: beyond log(1/alpha) the canary's share is larger, at that rate of false alarms."""
        top = max(self.logs)
        return top + math.log(sum(math.exp(each - top) for each in self.logs) / len(self.logs))

    def seen(self, stable: Tally, canary: Tally, *, together: bool = False) -> "Comparison":
        """With one block more. What is assumed of `stable` was learned from earlier blocks alone.

        together: the trials of a stream in this block may depend on each other in any way (a pause slows every request
        of its second), so that they count as one. The product stays an E-variable by Jensen's inequality, the geometric
        mean of a stream's factors being at most their mean; what slows both streams at once only makes it smaller.
        """
        logs = self.logs
        if stable.trials and canary.trials:
            known = (self.stable.bad + 0.5) / (self.stable.trials + 20)
            block = (stable.as_one, canary.as_one) if together else (stable, canary)
            logs = tuple(
                log + _log_e(known, min(known + excess, 1 - _FLOOR), *block)
                for log, excess in zip(self.logs, _EXCESSES, strict=True)
            )
        return replace(self, stable=self.stable.plus(stable), canary=self.canary.plus(canary), logs=logs)


def _log_e(share: float, worse: float, stable: Tally, canary: Tally) -> float:
    """How much better two shares explain the block than their common mean does."""
    common = (stable.trials * share + canary.trials * worse) / (stable.trials + canary.trials)
    return sum(
        tally.bad * math.log(its / common) + (tally.trials - tally.bad) * math.log((1 - its) / (1 - common))
        for its, tally in ((share, stable), (worse, canary))
    )


def shift(stable: tuple[int, ...], canary: tuple[int, ...], *, look: int, alpha: float) -> tuple[float, float]:
    """(Kolmogorov's distance of two histograms with the same bounds, what of it is certain at this look).

    stable, canary: counts a bucket, not cumulated. look: counts from 1. (0, 0) where one of them is empty.
    """
    totals = sum(stable), sum(canary)
    if 0 in totals:
        return 0.0, 0.0
    distance, first, second = 0.0, 0, 0
    for left, right in zip(stable, canary, strict=True):
        first, second = first + left, second + right
        distance = max(distance, abs(first / totals[0] - second / totals[1]))
    margin = sum(math.sqrt(math.log(4 / spent(alpha, look)) / (2 * total)) for total in totals)
    return distance, max(0.0, distance - margin)


def spent(alpha: float, look: int) -> float:
    """The part of alpha that belongs to this look, which counts from 1: over all of them it sums to alpha."""
    return alpha * 6 / (math.pi * look) ** 2
