"""What the monitor learns from the others' events, over both stores."""

from datetime import timedelta
from typing import Literal

import pytest
from monitor_facts import model_deployed, workflow_applied

from murmur_events.base import DeploymentName, ModelName
from murmur_events.deployments import DeploymentFailed
from murmur_events.monitoring import AlertRaised, AlertResolved
from murmur_events.troubles import TroubleReported
from murmur_kernel.consuming import Ack, Park
from murmur_kernel.testing import Harness
from murmur_monitor.domain.windows import Calendar, Span, as_millis
from murmur_monitor.repository import RULES, TOLD, VERSIONS, WATCHES, MonitorUnitOfWork
from murmur_monitor.views import calendar_of

Monitor = Harness[MonitorUnitOfWork]


def deployment_failed(*, version: int = 2, still_serving: int | None = 1) -> DeploymentFailed:
    return DeploymentFailed(
        deployment=DeploymentName("credit"),
        model=ModelName("credit"),
        version=version,
        cause="probe_mismatch",
        message="the probe answered 0.7 where 0.2 was expected",
        still_serving=still_serving,
    )


async def test_a_workflow_says_how_it_is_watched(monitor: Monitor) -> None:
    await monitor.receives(workflow_applied(min_rows=250, p_value=0.01))
    rules = await monitor.get(RULES, "credit")
    assert rules is not None
    assert (rules.min_rows, rules.error_rate, rules.engine) == (250, 0.01, "scipy")
    assert rules.calendar == Calendar.of(timedelta(minutes=5))


async def test_a_new_length_counts_for_windows_that_start_later(monitor: Monitor) -> None:
    await monitor.receives(workflow_applied())
    monitor.clock.advance(60)
    await monitor.receives(workflow_applied(revision=2, window=timedelta(minutes=1)))
    rules = await monitor.get(RULES, "credit")
    assert rules is not None
    change = as_millis(monitor.clock.now() + timedelta(minutes=4))
    assert rules.calendar.spans == (Span(0, 300_000), Span(change, 60_000))


@pytest.mark.parametrize(("seconds_before", "border"), [(66, 66), (64, 364), (2, 302)])
async def test_a_border_is_left_to_the_next_window_where_rows_may_lie_beyond_it(
    monitor: Monitor, seconds_before: int, border: int
) -> None:
    """A replica's clock may be a minute fast here, and the handler takes a moment."""
    await monitor.receives(workflow_applied())
    monitor.clock.advance(300 - seconds_before)
    await monitor.receives(workflow_applied(revision=2, window=timedelta(minutes=1)))
    rules = await monitor.get(RULES, "credit")
    assert rules is not None
    assert rules.calendar.spans[-1].since == as_millis(monitor.clock.now() + timedelta(seconds=border))


async def test_an_older_revision_is_ignored(monitor: Monitor) -> None:
    await monitor.receives(workflow_applied(revision=2, min_rows=250))
    await monitor.receives(workflow_applied(revision=1, min_rows=50))
    rules = await monitor.get(RULES, "credit")
    assert rules is not None
    assert rules.min_rows == 250


async def test_a_deployed_version_is_watched(monitor: Monitor) -> None:
    await monitor.receives(workflow_applied())
    await monitor.receives(model_deployed(version=3))
    watch, version = await monitor.get(WATCHES, "credit"), await monitor.get(VERSIONS, "credit/3")
    assert watch is not None
    assert version is not None
    assert (watch.version, watch.workflow) == (3, "credit")
    assert (version.columns, version.categories) == (("amount", "income", "education"), ("education",))
    assert await monitor.read(calendar_of, "credit") == Calendar.of(timedelta(minutes=5))
    assert monitor.published == []


async def test_a_version_that_is_heard_of_late_does_not_serve_again(monitor: Monitor) -> None:
    """A dead letter of version 2 that is handed in again after version 3 was handled."""
    await monitor.receives(workflow_applied())
    stale = monitor.record_of(model_deployed(version=2))
    await monitor.receives(model_deployed(version=3))
    await monitor.receives(deployment_failed(version=4, still_serving=3))
    monitor.take_published()
    assert await monitor.receives_record(stale) == Ack()
    watch, told = await monitor.get(WATCHES, "credit"), await monitor.get(TOLD, "credit")
    assert watch is not None
    assert told is not None
    assert (watch.version, told.version) == (3, 3)
    assert await monitor.get(VERSIONS, "credit/2") is not None, "what its last windows are compared with"
    assert monitor.published == [], "version 4 has still failed"
    await monitor.receives(model_deployed(version=2))
    watch = await monitor.get(WATCHES, "credit")
    assert watch is not None
    assert watch.version == 2, "a roll-back is no stale news"


async def test_a_deployment_waits_for_its_workflow(monitor: Monitor) -> None:
    assert await monitor.receives(model_deployed()) == Park("workflow/credit")
    assert await monitor.read(calendar_of, "credit") is None
    assert await monitor.receives(workflow_applied()) == Ack()
    assert await monitor.get(WATCHES, "credit") is not None


async def test_a_failed_deployment_raises_one_alert(monitor: Monitor) -> None:
    await monitor.receives(deployment_failed())
    await monitor.receives(deployment_failed())
    (alert,) = monitor.published
    assert isinstance(alert, AlertRaised)
    assert (alert.alert, alert.severity) == ("deployment-failed/credit/2", "warning")
    assert alert.detail == "the probe answered 0.7 where 0.2 was expected (version 1 still serves)"


async def test_nothing_serving_is_critical(monitor: Monitor) -> None:
    await monitor.receives(deployment_failed(still_serving=None))
    (alert,) = monitor.published
    assert isinstance(alert, AlertRaised)
    assert alert.severity == "critical"


async def test_the_next_version_that_serves_resolves_it(monitor: Monitor) -> None:
    await monitor.receives(workflow_applied())
    await monitor.receives(deployment_failed())
    await monitor.receives(model_deployed(version=3))
    resolved = monitor.published[-1]
    assert isinstance(resolved, AlertResolved)
    assert (resolved.alert, resolved.detail) == ("deployment-failed/credit/2", "version 3 serves")
    monitor.take_published()
    await monitor.receives(model_deployed(version=4))
    assert monitor.published == []


async def test_a_resolved_alert_may_be_raised_again(monitor: Monitor) -> None:
    await monitor.receives(workflow_applied())
    for _ in range(2):
        await monitor.receives(deployment_failed())
        await monitor.receives(model_deployed(version=3))
    assert [type(event).__name__ for event in monitor.published] == ["AlertRaised", "AlertResolved"] * 2


async def test_a_trouble_of_a_service_is_an_alert_until_it_has_ended(monitor: Monitor) -> None:
    began = trouble("began")
    await monitor.receives(began)
    await monitor.receives(began)
    (raised,) = monitor.take_published()
    assert isinstance(raised, AlertRaised)
    assert (raised.alert, raised.about, raised.service, raised.deployment) == (
        "registry/verdict-overdue/credit/1",
        "credit",
        "registry",
        None,
    )
    await monitor.receives(trouble("ended"))
    (resolved,) = monitor.take_published()
    assert isinstance(resolved, AlertResolved)
    assert (resolved.alert, resolved.about) == (raised.alert, raised.about)
    await monitor.receives(trouble("ended"))
    assert monitor.take_published() == []


def trouble(state: Literal["began", "ended"]) -> TroubleReported:
    return TroubleReported(
        trouble="verdict-overdue/credit/1",
        service="registry",
        state=state,
        about="credit",
        severity="warning",
        title="no verdict",
        detail="look at the validator",
    )
