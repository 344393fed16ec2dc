"""What labels tell of two versions keeps its word under continuous looking: shown by simulation, seeded."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import NormalDist

import numpy as np
import pytest

from murmur_deployer.domain.quality import CanaryLabels, WindowQuality
from murmur_deployer.domain.rules import QualityRules

ALPHA = 0.05
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """Windows of two versions with so many rows each, of which a tenth are positive. hard: how much a window's rows
    have in common, of which both versions suffer."""

    rows: tuple[int, int] = (900, 100)
    hard: float = 0.5
    windows: int = 30

    def alarmed(self, seed: int, *, metric: str, skill: tuple[float, float]) -> int:
        """At which window the canary was certainly worse at any of the looks, all of them taken; 0: at none."""
        draw = np.random.default_rng(seed)
        rules = QualityRules(metric=metric, min_labelled=200)
        labels = CanaryLabels("credit", START, 1, 2, metric)
        for number in range(1, self.windows + 1):
            shared = draw.normal(0, self.hard)
            for version, rows, skilled in zip((1, 2), self.rows, skill, strict=True):
                window = measured(draw, rows, skilled + shared, metric, START + timedelta(minutes=number))
                labels = labels.seen(version, window, rules)
            if labels.look is not None and labels.look.statistic > labels.look.threshold(ALPHA):
                return number
        return 0


def measured(draw: np.random.Generator, rows: int, skill: float, metric: str, start: datetime) -> WindowQuality:
    """A metric with a Poisson bootstrap's standard error, as the monitor tells it."""
    labels = draw.random(rows) < 0.1
    outputs = draw.normal(labels * skill, 1)
    ranked = labels[np.argsort(-outputs)]
    per_row = np.log1p(np.exp(np.where(labels, -1, 1) * (outputs - 1))) if metric == "log_loss" else None
    times = draw.poisson(1.0, (60, rows))
    if per_row is not None:
        value, resampled = per_row.mean(), (times @ per_row) / times.sum(-1)
    else:
        value, resampled = average_precision(ranked, np.ones((1, rows)))[0], average_precision(ranked, times)
    low, high = np.quantile(resampled, (0.025, 0.975))
    error = max(value - low, high - value) / NormalDist().inv_cdf(0.975)
    return WindowQuality(start, 1, rows, float(value), float(error))


def average_precision(ranked, times):
    found, seen = np.cumsum(times * ranked, axis=-1), np.cumsum(times, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(seen > 0, found / seen, 0.0)
    return (precision * times * ranked).sum(-1) / np.maximum(1, found[:, -1])


def share(worlds: int, world: World, **changes) -> float:
    return sum(world.alarmed(seed, **changes) > 0 for seed in range(worlds)) / worlds


@pytest.mark.parametrize("metric", ["average_precision", "log_loss"])
def test_an_equally_good_version_is_called_worse_no_more_often_than_stated(metric) -> None:
    """A look at each of 25 windows, of 100 canaries that get a tenth of the rows: at most 5 % of the canaries."""
    assert share(100, World(windows=25), metric=metric, skill=(2.0, 2.0)) <= ALPHA


def test_the_same_looks_at_a_level_for_one_look_break_the_promise() -> None:
    """The negative control: each window's interval on its own, as it comes, against the one before the canary."""

    def alarmed(seed: int) -> bool:
        draw = np.random.default_rng(seed)
        losses, errors = [], []
        for number in range(20):
            pair = [measured(draw, rows, 2.0, "log_loss", START) for rows in (900, 100)]
            losses.append(pair[1].value - pair[0].value)
            errors.append(pair[0].error ** 2 + pair[1].error ** 2)
            if np.mean(losses) / np.sqrt(np.sum(errors)) * (number + 1) > 1.645:
                return True
        return False

    assert sum(alarmed(seed) for seed in range(60)) / 60 > 3 * ALPHA


@pytest.mark.parametrize(
    ("metric", "skill", "within"),
    [("average_precision", (2.0, 0.5), 10), ("average_precision", (2.0, 1.2), 30), ("log_loss", (2.0, 0.0), 20)],
    ids=["hardly-finds-any", "finds-less", "surer-and-wrong"],
)
def test_a_worse_version_is_caught(metric, skill, within) -> None:
    """With 100 labels of it in each window, within so many of them, nine in ten times at least."""
    assert share(40, World(windows=within), metric=metric, skill=skill) >= 0.9


def test_windows_in_which_rows_resemble_each_other_are_believed_less_than_their_errors_say() -> None:
    """Both windows say that they are right to 0.001; that they are 0.2 apart says otherwise."""
    labels = CanaryLabels("credit", START, 1, 2, "auc")
    rules = QualityRules(min_labelled=2000)
    for number, value in enumerate((0.7, 0.9)):
        at = START + timedelta(minutes=number)
        labels = labels.seen(1, WindowQuality(at, 1, 1000, 0.85, 0.001), rules)
        labels = labels.seen(2, WindowQuality(at, 1, 1000, value, 0.001), rules)
    assert labels.look is not None
    assert labels.look.error == pytest.approx(0.1)


def test_few_rows_that_were_all_answered_alike_are_not_believed_for_that() -> None:
    """No click among 200 of one version, two in a hundred of the other: the first one's interval is nothing wide. That
    happens to an equally good version once in 56 times."""
    labels = CanaryLabels("credit", START, 1, 2, "click_through_rate")
    labels = labels.seen(1, WindowQuality(START, 1, 2000, 0.02, 0.0031), QualityRules())
    labels = labels.seen(2, WindowQuality(START, 1, 200, 0.0, 0.0), QualityRules())
    assert labels.look is not None
    assert labels.look.statistic < labels.look.threshold(0.02)


def test_another_look_is_taken_with_a_tenth_more_labels_of_the_version_that_has_fewer() -> None:
    labels, rules = CanaryLabels("credit", START, 1, 2, "auc"), QualityRules(min_labelled=200)
    numbers = []
    for revision, count in enumerate((150, 200, 210, 219, 221, 230, 244), start=1):
        labels = labels.seen(1, WindowQuality(START, revision, 5000 + revision, 0.8, 0.01), rules)
        labels = labels.seen(2, WindowQuality(START, revision, count, 0.8, 0.03), rules)
        numbers.append(0 if labels.look is None else labels.look.number)
    assert numbers == [0, 1, 1, 1, 2, 2, 3]


def test_of_very_many_windows_the_newest_are_kept() -> None:
    labels, rules = CanaryLabels("credit", START, 1, 2, "auc"), QualityRules(min_labelled=10**9)
    for number in range(1010):
        labels = labels.seen(2, WindowQuality(START + timedelta(minutes=number), 1, 10, 0.8, 0.1), rules)
    assert len(labels.canary) == 1000
    assert labels.canary[0].start == START + timedelta(minutes=10)
