"""A closed window in, facts out: windows, one drift an episode, alerts that end; over both stores."""

import json
from datetime import timedelta

import pytest
from monitor_facts import START, model_deployed, workflow_applied

from murmur_events.base import DeploymentName
from murmur_events.monitoring import AlertRaised, AlertResolved, DriftDetected, WindowMeasured
from murmur_kernel.testing import Harness
from murmur_monitor.domain.drift import ColumnTest
from murmur_monitor.domain.episodes import Standing
from murmur_monitor.domain.measured import Compared, Comparison, NotCompared, Statistics, TooFewRows, window_id
from murmur_monitor.domain.windows import Window, as_millis
from murmur_monitor.findings import WindowClosed, record_window
from murmur_monitor.repository import EPISODES, WATCHES, WINDOWS, MonitorUnitOfWork

Monitor = Harness[MonitorUnitOfWork]

STABLE = Compared("scipy 1", 0.01, (ColumnTest("amount", 0.02, 0.6), ColumnTest("prediction", 0.03, 0.5)))
DRIFT = Compared("scipy 1", 0.01, (ColumnTest("amount", 0.4, 1e-12), ColumnTest("prediction", 0.03, 0.5)))


def closed(
    number: int, comparison: Comparison, *, version: int = 1, rows: int = 500, deployment: str = "credit"
) -> WindowClosed:
    """The window that starts `number` x 5 minutes after START."""
    start = as_millis(START + timedelta(minutes=5 * number))
    numbers = Statistics(rows, 0, rows / 300, 2.0, 9.0, 0.25)
    return WindowClosed(deployment, deployment, version, Window(start, start + 300_000), numbers, comparison)


@pytest.fixture
async def credit(monitor: Monitor) -> Monitor:
    """Version 1 of credit serves and is watched."""
    await monitor.receives(workflow_applied())
    await monitor.receives(model_deployed())
    monitor.take_published()
    return monitor


def names(monitor: Monitor) -> list[str]:
    return [type(event).__name__ for event in monitor.published]


async def test_a_stable_window_is_measured_and_nothing_else(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, STABLE))
    (event,) = credit.published
    assert isinstance(event, WindowMeasured)
    assert (event.outcome, event.revision, event.rows, event.rate) == ("stable", 1, 500, pytest.approx(5 / 3))
    assert event.detail == "none of 2 columns differs from the reference"


async def test_the_first_bad_window_detects_drift_and_raises_an_alert(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    window, drift, alert = credit.published
    assert isinstance(window, WindowMeasured)
    assert isinstance(drift, DriftDetected)
    assert isinstance(alert, AlertRaised)
    assert window.outcome == "drift"
    assert [feature.feature for feature in drift.features if feature.drifted] == ["amount"]
    assert (drift.workflow, drift.version, drift.engine) == ("credit", 1, "scipy 1")
    assert alert.alert == f"drift/credit/{drift.episode}"
    assert alert.detail == "1 of 2 columns differ from the reference: amount (p 1.0e-12)"


async def test_the_first_bad_window_begins_the_chain(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    window, drift, alert = credit.envelopes[-3:]
    assert window.causation_id is None
    assert drift.causation_id == window.id
    assert alert.causation_id == drift.id
    assert len({window.correlation_id, drift.correlation_id, alert.correlation_id}) == 1


async def test_later_bad_windows_of_the_episode_say_nothing_new(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    drift = credit.envelopes[-2]
    credit.take_published()
    await credit.change(record_window, closed(1, DRIFT))
    assert names(credit) == ["WindowMeasured"]
    assert credit.envelopes[0].correlation_id == drift.correlation_id
    assert credit.envelopes[0].causation_id == drift.id
    assert isinstance(drift.event, DriftDetected)
    episode = await credit.get(EPISODES, drift.event.episode)
    assert episode is not None
    assert episode.windows == 2


async def test_a_good_window_ends_the_episode_in_its_chain(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    drift = credit.envelopes[-2]
    credit.take_published()
    await credit.change(record_window, closed(1, STABLE))
    assert names(credit) == ["WindowMeasured", "AlertResolved"]
    assert {envelope.correlation_id for envelope in credit.envelopes} == {drift.correlation_id}
    assert isinstance(drift.event, DriftDetected)
    episode = await credit.get(EPISODES, drift.event.episode)
    assert episode is not None
    assert episode.status == "closed"
    watch = await credit.get(WATCHES, "credit")
    assert watch is not None
    assert watch.drift.episode is None


async def test_drift_after_a_good_window_is_another_episode(credit: Monitor) -> None:
    for number, comparison in enumerate((DRIFT, STABLE, DRIFT)):
        await credit.change(record_window, closed(number, comparison))
    episodes = [event.episode for event in credit.published if isinstance(event, DriftDetected)]
    assert len(set(episodes)) == 2
    chains = {envelope.correlation_id for envelope in credit.envelopes if isinstance(envelope.event, DriftDetected)}
    assert len(chains) == 2


async def test_windows_that_tell_nothing_leave_the_episode_open(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    credit.take_published()
    await credit.change(record_window, closed(1, TooFewRows(3, 100)))
    assert names(credit) == ["WindowMeasured"]
    watch = await credit.get(WATCHES, "credit")
    assert watch is not None
    assert watch.drift.episode is not None


async def test_a_version_that_no_longer_serves_opens_nothing(credit: Monitor) -> None:
    await credit.receives(model_deployed(version=2))
    await credit.change(record_window, closed(0, DRIFT, version=1))
    assert names(credit) == ["WindowMeasured"]


async def test_a_version_that_no_longer_serves_closes_nothing(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    await credit.receives(model_deployed(version=2))
    credit.take_published()
    await credit.change(record_window, closed(1, STABLE, version=1))
    assert names(credit) == ["WindowMeasured"]


async def test_a_good_window_of_the_next_version_ends_the_episode(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    drift = credit.envelopes[-2]
    await credit.receives(model_deployed(version=2))
    credit.take_published()
    await credit.change(record_window, closed(0, STABLE, version=2))
    assert names(credit) == ["WindowMeasured", "AlertResolved"]
    assert {envelope.correlation_id for envelope in credit.envelopes} == {drift.correlation_id}


async def test_the_same_window_found_again_changes_nothing(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    credit.take_published()
    assert await credit.change(record_window, closed(0, DRIFT)) == 1
    assert await credit.change(record_window, closed(0, STABLE, rows=400)) == 1
    assert credit.published == []


async def test_late_rows_make_the_next_revision(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, STABLE))
    assert await credit.change(record_window, closed(0, STABLE, rows=520)) == 2
    first, second = credit.published
    assert isinstance(first, WindowMeasured)
    assert isinstance(second, WindowMeasured)
    assert (first.revision, first.rows, second.revision, second.rows) == (1, 500, 2, 520)
    kept = await credit.get(WINDOWS, window_id("credit", 1, START))
    assert kept is not None
    assert (kept.revision, kept.statistics.rows) == (2, 520)


async def test_a_revision_counts_a_bad_window_once(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    await credit.change(record_window, closed(0, DRIFT, rows=520))
    (drift,) = [event for event in credit.published if isinstance(event, DriftDetected)]
    episode = await credit.get(EPISODES, drift.episode)
    assert episode is not None
    assert episode.windows == 1


async def test_late_rows_of_an_older_window_end_no_episode(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, STABLE))
    await credit.change(record_window, closed(1, DRIFT))
    credit.take_published()
    await credit.change(record_window, closed(0, STABLE, rows=501))
    assert names(credit) == ["WindowMeasured"]


async def test_late_rows_leave_a_window_in_its_episode(credit: Monitor) -> None:
    """Those of the window that opened it, of one that continued it and of the one that closed it."""
    for number, comparison in enumerate((DRIFT, DRIFT, STABLE, STABLE)):
        await credit.change(record_window, closed(number, comparison))
    (drift,) = [event for event in credit.published if isinstance(event, DriftDetected)]
    for number, comparison in enumerate((DRIFT, STABLE, STABLE)):
        await credit.change(record_window, closed(number, comparison, rows=510))
    kept = [
        await credit.get(WINDOWS, window_id("credit", 1, START + timedelta(minutes=5 * number))) for number in range(4)
    ]
    assert [(window.revision, window.episode) for window in kept if window] == [
        (2, drift.episode),
        (2, drift.episode),
        (2, drift.episode),
        (1, None),
    ]


async def test_a_watch_that_an_older_release_has_kept_stays_in_its_episode(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, DRIFT))
    watch = await credit.get(WATCHES, "credit")
    assert watch is not None
    kept = json.loads(WATCHES.dump(watch))
    drift = kept.pop("drift")
    assert drift["episode"] is not None
    assert WATCHES.load(json.dumps(kept | drift)) == watch
    assert WATCHES.load(json.dumps(kept)).drift == Standing()


async def test_a_window_that_cannot_be_tested_is_told_once_and_once_when_it_can(credit: Monitor) -> None:
    await credit.change(record_window, closed(0, NotCompared("the reference is gone")))
    assert names(credit) == ["WindowMeasured", "AlertRaised"]
    credit.take_published()
    await credit.change(record_window, closed(1, NotCompared("the reference is gone")))
    assert names(credit) == ["WindowMeasured"]
    credit.take_published()
    await credit.change(record_window, closed(2, STABLE))
    assert names(credit) == ["WindowMeasured", "AlertResolved"]


async def test_a_window_of_nobody_is_measured(monitor: Monitor) -> None:
    await monitor.change(record_window, closed(0, NotCompared("nobody announced it"), deployment="stranger"))
    (event,) = monitor.published
    assert isinstance(event, WindowMeasured)
    assert (event.deployment, event.outcome, event.detail) == ("stranger", "not_tested", "nobody announced it")


async def test_episodes_of_deployments_are_apart(credit: Monitor) -> None:
    await credit.receives(workflow_applied("fraud"))
    await credit.receives(model_deployed("fraud"))
    await credit.change(record_window, closed(0, DRIFT))
    await credit.change(record_window, closed(1, STABLE, deployment="fraud"))
    assert not any(isinstance(event, AlertResolved) for event in credit.published)
    await credit.change(record_window, closed(2, DRIFT, deployment="fraud"))
    drifts = [event for event in credit.published if isinstance(event, DriftDetected)]
    assert [drift.deployment for drift in drifts] == [DeploymentName("credit"), DeploymentName("fraud")]
