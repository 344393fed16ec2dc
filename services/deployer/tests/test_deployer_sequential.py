"""The tests of a canary keep their word under continuous looking: shown by simulation, seeded."""

import math
from functools import cache, partial

import numpy as np
import pytest

from murmur_deployer.domain.canary import Canary, Counts, Evidence
from murmur_deployer.domain.judging import judge
from murmur_deployer.domain.rules import CanaryRules
from murmur_deployer.domain.sequential import Comparison, Tally, shift

RULES = CanaryRules(false_alarm=0.05, min_rows=1, step_time=1, max_error_increase=0.0, max_latency_factor=1.0)
BOUNDS = tuple(float(bound) for bound in (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100, 1e9))
OUTPUTS = tuple(round(0.05 * step, 2) for step in range(1, 21))


class World:
    """Two versions that answer some hundred requests a second, the canary a twentieth of them.

    paused: the share of each version's seconds in which all of its requests are slow. alike: so many rows of a request
    are answered alike, and `counted`, as replicas do, one of them; or all.
    """

    def __init__(self, seed: int, *, paused: float = 0.0, alike: int = 1, all_counted: bool = False) -> None:
        self._draw = np.random.default_rng(seed)
        self._paused = paused
        self._weight = alike if all_counted else 1
        self.evidence = Evidence()

    def looks(self, count: int, *, errors=(0.02, 0.02), slow=(1.0, 1.0), outputs=((2, 5), (2, 5))) -> int:
        """At which look it was rolled back, all of so many looks taken; 0: at none."""
        at = _NOW
        for number in range(1, count + 1):
            self.evidence = self.evidence.seen(
                self._counts(190, errors[0], slow[0], outputs[0]), self._counts(10, errors[1], slow[1], outputs[1])
            )
            canary = Canary(weight=0.05, began=at, since=at)
            if judge(canary, self.evidence, None, RULES, at).verdict == "roll_back":
                return number
        return 0

    def _counts(self, rate: int, errors: float, slow: float, outputs: tuple[float, float]) -> Counts:
        requests = int(self._draw.poisson(rate))
        failed = int(self._draw.binomial(requests, errors))
        if self._draw.random() < self._paused:
            slow = 100.0
        answered = self._histogram(requests, OUTPUTS, _answers(outputs))
        return Counts(
            requests,
            failed,
            self._histogram(requests, BOUNDS, _latency(slow)),
            tuple((bound, count * self._weight) for bound, count in answered),
        )

    def _histogram(self, requests: int, bounds, shares):
        return tuple(zip(bounds, self._draw.multinomial(requests, shares).cumsum().tolist(), strict=True))


@cache
def _latency(slow: float):
    """Lognormal milliseconds, the median 2.7: the share of each bucket."""
    return _shares(np.random.default_rng(1).lognormal(1.0, 0.6, 200_000) * slow, BOUNDS)


@cache
def _answers(outputs: tuple[float, float]):
    return _shares(np.random.default_rng(2).beta(*outputs, 200_000), OUTPUTS)


def _shares(values, bounds):
    within = np.array([(values <= bound).mean() for bound in bounds])
    return np.diff(within, prepend=0.0)


def test_a_replica_that_begins_anew_is_not_taken_for_a_slow_version() -> None:
    before = Counts(200, 0, ((5.0, 190), (1e9, 200)))
    known = Evidence().seen(before, before)
    slow = Counts(500, 0, ((5.0, 0), (1e9, 500)))
    assert known.seen(before, slow, steady=False).latency == known.latency
    assert known.seen(before, slow).latency.evidence > 0.1


def share(worlds: int, looks: int, world=World, **changes) -> float:
    """Of so many canaries, those that were rolled back."""
    return sum(world(seed).looks(looks, **changes) > 0 for seed in range(worlds)) / worlds


WORLDS = {
    "independent": World,
    "paused-seconds": partial(World, paused=0.05),
    "rows-alike": partial(World, alike=5000),
}


@pytest.mark.parametrize("world", WORLDS)
def test_an_equally_good_version_is_rolled_back_no_more_often_than_stated(world) -> None:
    """200 looks at each of 120 canaries, three tests at each look: at most 5 % of the canaries."""
    assert share(120, 200, WORLDS[world]) <= 0.05


def test_rows_that_are_counted_one_by_one_break_the_promise() -> None:
    """The negative control: a few requests of thousands of rows alike look like a distribution of their own."""
    assert share(60, 20, partial(World, alike=5000, all_counted=True)) > 0.15


@pytest.mark.parametrize("together", [True, False])
def test_requests_of_a_paused_second_that_are_taken_for_independent_break_the_promise(together) -> None:
    """The negative control: one second in twenty of either version is slow as a whole."""

    def alarmed(seed: int) -> bool:
        draw, known = np.random.default_rng(seed), Comparison()
        for _ in range(100):
            stable, canary = (Tally(rate, rate * (draw.random() < 0.05)) for rate in (190, 10))
            known = known.seen(stable, canary, together=together)
            if known.evidence > math.log(1 / 0.05):
                return True
        return False

    share = sum(alarmed(seed) for seed in range(200)) / 200
    assert share <= 0.05 if together else share > 0.5


def test_the_same_looks_with_a_test_for_one_look_break_the_promise() -> None:
    """The negative control: a z-test at 5 %, looked at again and again, raises many more false alarms."""

    def alarmed(seed: int) -> bool:
        draw = np.random.default_rng(seed)
        stable, canary = np.cumsum(draw.binomial(190, 0.02, 400)), np.cumsum(draw.binomial(10, 0.02, 400))
        looks = np.arange(1, 401)
        pooled = (stable + canary) / (200 * looks)
        deviation = np.sqrt(pooled * (1 - pooled) * (1 / (190 * looks) + 1 / (10 * looks)))
        return bool(((canary / (10 * looks) - stable / (190 * looks)) > 1.645 * deviation)[20:].any())

    assert sum(alarmed(seed) for seed in range(200)) / 200 > 0.15


@pytest.mark.parametrize(
    ("changes", "looks"),
    [
        ({"errors": (0.02, 0.08)}, 45),
        ({"errors": (0.0, 0.02)}, 30),
        ({"errors": (0.02, 0.5)}, 4),
        ({"slow": (1.0, 2.0)}, 110),
        ({"slow": (1.0, 3.0)}, 35),
        ({"slow": (1.0, 10.0)}, 10),
        ({"outputs": ((2, 5), (5, 2))}, 6),
    ],
    ids=[
        "four-times-the-errors",
        "errors-where-there-were-none",
        "half-fails",
        "twice-as-slow",
        "three-times-as-slow",
        "ten-times-as-slow",
        "turned-round",
    ],
)
def test_a_worse_canary_is_caught(changes, looks) -> None:
    """At 10 requests a second, within so many seconds, nine in ten times at least."""
    assert share(60, looks, **changes) >= 0.9


def test_a_slower_canary_is_caught_though_seconds_pause() -> None:
    """Three in a hundred seconds of both: what is usual is not slow, and the rest is."""
    assert share(60, 70, partial(World, paused=0.03), slow=(1.0, 3.0)) >= 0.9


def test_a_slow_second_is_not_taken_for_many_slow_requests() -> None:
    """Not for two of them either, right after the beginning."""
    slow, quick = Tally(10, 10), Tally(190, 9)
    for together, evidence in ((True, 3.0), (False, math.log(4 / 0.01))):
        known = Comparison().seen(quick, slow, together=together).seen(quick, slow, together=together)
        assert (known.evidence > evidence) is not together


def test_another_distribution_within_the_bound_is_borne() -> None:
    assert share(20, 100, outputs=((2, 5), (2.5, 5))) == 0


def test_half_as_slow_again_takes_minutes() -> None:
    """Where a workflow bears nothing of it."""
    assert share(40, 380, slow=(1.0, 1.5)) >= 0.9


def test_the_certain_part_of_a_shift_grows_with_the_data_and_shrinks_with_the_looks() -> None:
    small, large = shift((50, 50), (10, 90), look=1, alpha=0.01), shift((5000, 5000), (1000, 9000), look=1, alpha=0.01)
    assert small[0] == large[0] == 0.4
    assert small[1] < large[1] < 0.4
    assert shift((5000, 5000), (1000, 9000), look=100, alpha=0.01)[1] < large[1]
    assert shift((0, 0), (1, 2), look=1, alpha=0.01) == (0, 0)


_NOW = np.datetime64("2026-01-01").astype("datetime64[us]").item()
