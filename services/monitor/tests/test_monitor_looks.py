"""A stable window is called degraded no more often than the workflow says, however its labels drip in."""

from datetime import timedelta
from statistics import NormalDist

import numpy as np
import pytest
from monitor_facts import START

from murmur_monitor.domain.degradation import Baseline, Limits, QualityOutcome, judge
from murmur_monitor.domain.looks import Looks
from murmur_monitor.domain.quality import Interval, Quality

WINDOWS, PARTS, LABELS = 4000, 20, 1000
LIMITS = Limits("click_through_rate", max_loss=0.0, min_labelled=50, confidence=0.95)
RATE = 0.025
"""Of windows that have lost exactly what is allowed; here nothing is lost and nothing is allowed."""


def estimates(windows: int, seed: int, *, share: float = 0.3) -> list[list[Quality]]:
    """For each window what its labels tell after each of PARTS parts; all of one population."""
    clicks = np.random.default_rng(seed).random((windows, PARTS, LABELS // PARTS)) < share
    known = np.cumsum(clicks.sum(-1), axis=1)
    counts = np.arange(1, PARTS + 1) * (LABELS // PARTS)
    means = known / counts
    wide = 1.96 * np.sqrt(means * (1 - means) / counts)
    return [
        [
            Quality(int(count), {}, Interval(float(mean), float(mean - half), float(mean + half)))
            for count, mean, half in zip(counts, its, widths, strict=True)
        ]
        for its, widths in zip(means, wide, strict=True)
    ]


def found_degraded(now: list[Quality], before: list[Quality], *, at_every_part: bool = False) -> bool:
    """Whether a window is found degraded at any of its parts. at_every_part: as if each look were the first."""
    looks = Looks()
    for quality, first in zip(now, before, strict=True):
        assert first.interval is not None
        baseline = Baseline(LIMITS.metric, START, first.interval, first.labelled)
        looked = Looks() if at_every_part else looks
        judgement = judge(quality, START + timedelta(hours=1), baseline, LIMITS, looked, answered=LABELS)
        if judgement.outcome is QualityOutcome.DEGRADED:
            return True
        looks = looks if judgement.bad is None else looks.after(quality.labelled)
    return False


def test_dripping_labels_keep_to_the_error_rate_of_a_whole_window() -> None:
    windows, baselines = estimates(WINDOWS, 1), estimates(WINDOWS, 2)
    degraded = sum(map(found_degraded, windows, baselines))
    at_most = WINDOWS * RATE + 3 * (WINDOWS * RATE) ** 0.5  # three standard deviations of chance
    assert 0 < degraded <= at_most, degraded
    judged_at_every_part = sum(
        found_degraded(now, before, at_every_part=True) for now, before in zip(windows, baselines, strict=True)
    )
    assert judged_at_every_part > 2 * at_most, judged_at_every_part


def test_what_is_lost_is_found_all_the_same() -> None:
    windows, baselines = estimates(400, 3, share=0.2), estimates(400, 4)
    assert sum(map(found_degraded, windows, baselines)) > 390


def test_a_window_is_looked_at_when_its_labels_have_doubled_or_are_complete() -> None:
    looks, taken = Looks(), []
    for labelled in range(50, LABELS + 1, 50):
        if looks.due(labelled, LABELS):
            looks = looks.after(labelled)
            taken.append(labelled)
    assert taken == [50, 100, 200, 400, 800, 1000]
    assert looks.due(LABELS, LABELS), "a correction of what is complete"


@pytest.mark.parametrize("confidence", [0.6, 0.9, 0.95, 0.999])
def test_all_looks_together_err_no_more_often_than_the_window_may(confidence: float) -> None:
    looks, spent = Looks(), 0.0
    normal = NormalDist()
    first = normal.inv_cdf(1 - (1 - confidence) / 2)
    for number in range(3_000):
        spent += 1 - normal.cdf(first * looks.widening(confidence))
        looks = looks.after(number)
    assert 0.99 * (1 - confidence) / 2 < spent <= (1 - confidence) / 2
