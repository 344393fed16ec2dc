"""Labels in, episodes of degradation out: opened by what is beyond chance, once, closed by what held; both stores."""

from dataclasses import replace
from datetime import timedelta

import pytest
from monitor_facts import START, model_deployed, workflow_applied

from murmur_events.monitoring import AlertRaised, AlertResolved, PerformanceDegraded, WindowMeasured
from murmur_kernel.testing import Harness
from murmur_monitor.domain.degradation import Baseline, Limits, QualityOutcome, judge, lost
from murmur_monitor.domain.drift import ColumnTest
from murmur_monitor.domain.looks import Looks
from murmur_monitor.domain.measured import Compared, NotCompared, Statistics
from murmur_monitor.domain.quality import Interval, Quality
from murmur_monitor.domain.windows import Window, as_millis
from murmur_monitor.findings import WindowClosed, record_window
from murmur_monitor.handlers import know_version
from murmur_monitor.quality_findings import WindowLabelled, record_quality
from murmur_monitor.repository import DEGRADATIONS, VERSIONS, WATCHES, MonitorUnitOfWork

Monitor = Harness[MonitorUnitOfWork]

GOOD = Interval(0.80, 0.77, 0.83)
BAD = Interval(0.60, 0.55, 0.65)
NOT_SURE = Interval(0.72, 0.60, 0.84)
NUMBERS = Statistics(500, 0, 5 / 3, 2.0, 9.0, 0.25)


def window(number: int) -> Window:
    start = as_millis(START + timedelta(minutes=5 * number))
    return Window(start, start + 300_000)


async def labelled(
    monitor: Monitor, number: int, interval: Interval | None, *, labels: int = 300, version: int = 1
) -> list[str]:
    """What a window is answered with whose labels tell this."""
    closed = WindowClosed("credit", "credit", version, window(number), NUMBERS, NotCompared("only labels matter"))
    await monitor.change(record_window, closed)
    monitor.take_published()
    metrics = {} if interval is None else {"auc": interval.value}
    quality = Quality(labels, metrics, interval)
    await monitor.change(record_quality, WindowLabelled("credit", version, window(number), "auc", quality))
    return [type(event).__name__ for event in monitor.published]


@pytest.fixture
async def credit(monitor: Monitor) -> Monitor:
    """Version 1 of credit serves; its first window with labels was good."""
    await monitor.receives(workflow_applied(min_labelled=200, max_loss=0.05))
    await monitor.receives(model_deployed())
    assert await labelled(monitor, 0, GOOD) == ["WindowMeasured"]
    return monitor


async def test_a_fall_beyond_chance_degrades_and_raises_an_alert(credit: Monitor) -> None:
    assert await labelled(credit, 1, BAD) == ["WindowMeasured", "PerformanceDegraded", "AlertRaised"]
    measured, degraded, alert = credit.published
    assert isinstance(measured, WindowMeasured)
    assert isinstance(degraded, PerformanceDegraded)
    assert isinstance(alert, AlertRaised)
    assert (degraded.metric, degraded.value.value, degraded.baseline, degraded.max_loss) == ("auc", 0.6, 0.8, 0.05)
    assert (degraded.version, degraded.workflow, degraded.labelled) == (1, "credit", 300)
    assert degraded.start == measured.start
    assert degraded.detail == alert.detail == measured.quality_detail
    assert degraded.detail == (
        "auc 0.600 [0.550, 0.650] in 300 labels, 0.800 [0.770, 0.830] in the first window with enough:"
        " 0.200 [0.133, 0.267] lost, 0.05 allowed"
    )
    assert alert.alert == f"degraded/credit/{degraded.episode}"


async def test_the_degraded_window_begins_the_chain(credit: Monitor) -> None:
    await labelled(credit, 1, BAD)
    measured, degraded, alert = credit.envelopes
    assert (measured.causation_id, degraded.causation_id, alert.causation_id) == (None, measured.id, degraded.id)
    assert len({measured.correlation_id, degraded.correlation_id, alert.correlation_id}) == 1


@pytest.mark.parametrize("interval", [GOOD, NOT_SURE, replace(GOOD, value=0.9, high=0.95)])
async def test_what_is_not_surely_worse_degrades_nothing(credit: Monitor, interval: Interval) -> None:
    assert await labelled(credit, 1, interval) == ["WindowMeasured"]


async def test_unlabelled_windows_degrade_nothing(credit: Monitor) -> None:
    closed = WindowClosed("credit", "credit", 1, window(1), NUMBERS, NotCompared("only labels matter"))
    await credit.change(record_window, closed)
    (measured,) = credit.take_published()[-1:]
    assert isinstance(measured, WindowMeasured)
    assert (measured.labelled, measured.quality, measured.quality_interval, measured.quality_detail) == (
        0,
        {},
        None,
        "",
    )


async def test_too_few_labels_are_told_and_judge_nothing(credit: Monitor) -> None:
    assert await labelled(credit, 1, BAD, labels=199) == ["WindowMeasured"]
    (measured,) = credit.published
    assert isinstance(measured, WindowMeasured)
    assert measured.quality_detail == "too few labels: 199, 200 are needed"
    assert await labelled(credit, 1, BAD, labels=200) == ["WindowMeasured", "PerformanceDegraded", "AlertRaised"]


async def test_a_metric_that_labels_do_not_define_judges_nothing(credit: Monitor) -> None:
    assert await labelled(credit, 1, None) == ["WindowMeasured"]
    (measured,) = credit.published
    assert isinstance(measured, WindowMeasured)
    assert measured.quality_detail == "auc is not defined by the 300 labels there are"


async def test_an_episode_says_it_once_and_ends_with_a_window_that_held(credit: Monitor) -> None:
    await labelled(credit, 1, BAD)
    degraded = credit.envelopes[1]
    assert await labelled(credit, 2, BAD) == ["WindowMeasured"]
    assert await labelled(credit, 3, NOT_SURE, labels=100) == ["WindowMeasured"]
    assert credit.envelopes[0].correlation_id == degraded.correlation_id
    assert await labelled(credit, 4, GOOD) == ["WindowMeasured", "AlertResolved"]
    assert {envelope.correlation_id for envelope in credit.envelopes} == {degraded.correlation_id}
    assert isinstance(degraded.event, PerformanceDegraded)
    episode = await credit.get(DEGRADATIONS, degraded.event.episode)
    assert episode is not None
    assert (episode.status, episode.windows) == ("closed", 2)
    assert await labelled(credit, 5, BAD) == ["WindowMeasured", "PerformanceDegraded", "AlertRaised"]
    assert isinstance(credit.published[1], PerformanceDegraded)
    assert credit.published[1].episode != degraded.event.episode


async def test_more_labels_of_the_same_window_count_it_once_and_may_take_it_back(credit: Monitor) -> None:
    await labelled(credit, 1, BAD)
    degraded = credit.published[1]
    assert isinstance(degraded, PerformanceDegraded)
    assert await labelled(credit, 1, BAD, labels=320) == ["WindowMeasured"]
    assert await labelled(credit, 1, BAD, labels=600) == ["WindowMeasured"]
    episode = await credit.get(DEGRADATIONS, degraded.episode)
    assert episode is not None
    assert episode.windows == 1
    assert await labelled(credit, 1, NOT_SURE, labels=1200) == ["WindowMeasured", "AlertResolved"]


async def test_a_window_is_judged_again_only_when_its_labels_have_doubled(credit: Monitor) -> None:
    await labelled(credit, 1, GOOD, labels=210)
    judged = credit.published[0]
    assert await labelled(credit, 1, BAD, labels=419) == ["WindowMeasured"]
    (between,) = credit.published
    assert isinstance(judged, WindowMeasured)
    assert isinstance(between, WindowMeasured)
    assert (between.labelled, between.quality) == (419, {"auc": 0.6})
    assert between.quality_detail == judged.quality_detail, "what the last look found stands"
    assert await labelled(credit, 1, BAD, labels=420) == ["WindowMeasured", "PerformanceDegraded", "AlertRaised"]


async def test_a_window_whose_predictions_all_have_a_label_is_judged_at_every_correction(credit: Monitor) -> None:
    await labelled(credit, 1, GOOD, labels=499)
    assert await labelled(credit, 1, BAD, labels=500) == ["WindowMeasured", "PerformanceDegraded", "AlertRaised"]
    assert await labelled(credit, 1, GOOD, labels=500) == ["WindowMeasured", "AlertResolved"]


async def test_late_rows_do_not_forget_how_often_a_window_was_looked_at(credit: Monitor) -> None:
    await labelled(credit, 1, GOOD, labels=300)
    more = WindowClosed("credit", "credit", 1, window(1), replace(NUMBERS, rows=501), NotCompared("only labels matter"))
    await credit.change(record_window, more)
    assert await labelled(credit, 1, BAD, labels=310) == ["WindowMeasured"]


async def test_the_second_look_asks_for_more_than_the_first(credit: Monitor) -> None:
    barely = Interval(0.70, 0.685, 0.715)
    """0.1 lost: surely more than 0.062 at the first look, 0.055 at the second."""
    await credit.receives(workflow_applied(revision=2, max_loss=0.06))
    assert await labelled(credit, 1, GOOD, labels=210) == ["WindowMeasured"]
    assert await labelled(credit, 1, barely, labels=420) == ["WindowMeasured"]
    assert await labelled(credit, 2, barely, labels=420) == ["WindowMeasured", "PerformanceDegraded", "AlertRaised"]


async def test_the_same_labels_again_say_nothing(credit: Monitor) -> None:
    await labelled(credit, 1, BAD)
    assert await labelled(credit, 1, BAD) == []


async def test_labels_of_older_windows_open_and_close_nothing(credit: Monitor) -> None:
    await labelled(credit, 3, GOOD)
    assert await labelled(credit, 2, BAD) == ["WindowMeasured"]
    await labelled(credit, 4, BAD)
    assert await labelled(credit, 1, GOOD) == ["WindowMeasured"]


async def test_a_version_that_does_not_serve_opens_and_closes_nothing(credit: Monitor) -> None:
    await credit.receives(model_deployed(version=2))
    assert await labelled(credit, 1, BAD) == ["WindowMeasured"]


async def test_the_next_version_ends_the_episode_once_it_has_held(credit: Monitor) -> None:
    await labelled(credit, 1, BAD)
    await credit.receives(model_deployed(version=2))
    assert await labelled(credit, 2, GOOD, version=2) == ["WindowMeasured"]  # its baseline
    assert await labelled(credit, 2, GOOD, version=1) == ["WindowMeasured"]
    assert await labelled(credit, 3, GOOD, version=2) == ["WindowMeasured", "AlertResolved"]


async def test_a_version_is_held_to_its_own_first_window(credit: Monitor) -> None:
    await credit.receives(model_deployed(version=2))
    assert await labelled(credit, 1, BAD, version=2) == ["WindowMeasured"]
    assert await labelled(credit, 2, BAD, version=2) == ["WindowMeasured"]


async def test_the_baseline_follows_further_labels_of_its_window(credit: Monitor) -> None:
    await labelled(credit, 0, BAD, labels=400)
    version = await credit.get(VERSIONS, "credit/1")
    assert version is not None
    assert version.baseline is not None
    assert (version.baseline.value, version.baseline.labelled) == (BAD, 400)
    assert await labelled(credit, 1, BAD) == ["WindowMeasured"]


async def test_a_version_that_is_deployed_again_keeps_its_baseline(credit: Monitor) -> None:
    await credit.receives(model_deployed(version=2))
    await credit.receives(model_deployed(version=1))
    assert await labelled(credit, 1, BAD) == ["WindowMeasured", "PerformanceDegraded", "AlertRaised"]


async def test_a_canary_is_measured_and_judged_and_opens_nothing(credit: Monitor) -> None:
    await announce_canary(credit, 2)
    assert await labelled(credit, 1, GOOD, version=2) == ["WindowMeasured"]
    assert await labelled(credit, 2, BAD, version=2) == ["WindowMeasured"]
    (measured,) = credit.published
    assert isinstance(measured, WindowMeasured)
    assert "0.05 allowed" in measured.quality_detail
    drifted = Compared("scipy 1", 0.01, (ColumnTest("amount", 0.4, 1e-12),))
    credit.take_published()
    await credit.change(record_window, WindowClosed("credit", "credit", 2, window(3), NUMBERS, drifted))
    (measured,) = credit.published
    assert isinstance(measured, WindowMeasured)
    assert measured.outcome == "drift"
    watch = await credit.get(WATCHES, "credit")
    assert watch is not None
    assert (watch.version, watch.drift.episode, watch.quality.episode) == (1, None, None)


async def test_a_canary_that_serves_at_last_is_judged_by_what_its_labels_had_shown(credit: Monitor) -> None:
    await announce_canary(credit, 2)
    await labelled(credit, 1, GOOD, version=2)
    await credit.receives(model_deployed(version=2))
    await announce_canary(credit, 2)  # heard late
    assert await labelled(credit, 2, BAD, version=2) == ["WindowMeasured", "PerformanceDegraded", "AlertRaised"]


async def announce_canary(monitor: Monitor, version: int) -> None:
    async def hear(state: object, uow: MonitorUnitOfWork) -> None:
        await know_version("credit", model_deployed(version=version).state, uow)

    await monitor.change(hear, None)


async def test_drift_and_degradation_are_episodes_of_their_own(credit: Monitor) -> None:
    await labelled(credit, 1, BAD)
    credit.take_published()
    stable = Compared("scipy 1", 0.01, (ColumnTest("amount", 0.02, 0.6),))
    await credit.change(record_window, WindowClosed("credit", "credit", 1, window(2), NUMBERS, stable))
    resolved = [event.alert for event in credit.published if isinstance(event, AlertResolved)]
    assert not any(alert.startswith("degraded/") for alert in resolved)
    watch = await credit.get(WATCHES, "credit")
    assert watch is not None
    assert watch.quality.episode is not None


LIMITS = Limits("log_loss", max_loss=0.1, min_labelled=100)


def test_of_some_metrics_less_is_better() -> None:
    baseline = Baseline("log_loss", START, Interval(0.30, 0.28, 0.32), 500)
    later = START + timedelta(hours=1)
    for value, outcome in ((0.60, QualityOutcome.DEGRADED), (0.30, QualityOutcome.HELD), (0.10, QualityOutcome.HELD)):
        quality = Quality(500, {}, Interval(value, value - 0.03, value + 0.03))
        assert judge(quality, later, baseline, LIMITS, Looks(), answered=500).outcome is outcome


def test_another_metric_has_another_baseline() -> None:
    baseline = Baseline("auc", START, GOOD, 500)
    judgement = judge(Quality(500, {}, BAD), START + timedelta(hours=1), baseline, LIMITS, Looks(), answered=500)
    assert judgement.outcome is QualityOutcome.BASELINE


def test_the_interval_of_a_loss_is_that_of_a_difference() -> None:
    loss = lost(Interval(0.8, 0.76, 0.84), Interval(0.6, 0.57, 0.63), "auc")
    assert (loss.value, loss.low, loss.high) == pytest.approx((0.2, 0.15, 0.25))
