"""Once labels are known a canary is judged by its quality too, and waits for them if it is asked to."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from crowd import SECTION, canary, ended

from murmur_deployer.repository import CANARY_LABELS
from murmur_events.deployments import CanaryJudged, DeploymentRolledBack, ModelDeployed
from murmur_events.monitoring import WindowMeasured
from murmur_events.troubles import TroubleReported
from murmur_events.values import Interval
from murmur_kernel.errors import Transient

GOOD, BAD = 0.8, 0.6


class Monitor:
    """Measures a window of five seconds each second, of both versions, and tells what their labels make of them."""

    def __init__(self, deployer, crowd, *, quality: dict[int, float], labelled: int = 300, metric: str = "auc") -> None:
        self._deployer = deployer
        self.crowd = crowd
        self.quality = quality
        self.labelled = labelled
        self.metric = metric
        self.error = 0.02
        self.start = deployer.kernel.clock.now()
        crowd.meanwhile = self.a_second

    async def a_second(self) -> None:
        self.start += timedelta(seconds=5)
        for version, value in self.quality.items():
            await self._deployer.kernel.receives(self.window(version, value, start=self.start))

    def window(self, version: int, value: float, *, start: datetime, revision: int = 1) -> WindowMeasured:
        told = {"labelled": self.labelled, "metric": self.metric, "error": self.error}
        return measured(version, value, start=start, revision=revision, **told)


def measured(version: int, value: float, *, start: datetime, labelled: int = 300, **changes: Any) -> WindowMeasured:
    """error: standard error of the metric."""
    metric, half = changes.pop("metric", "auc"), 1.96 * changes.pop("error", 0.02)
    fields: dict[str, Any] = {
        "deployment": "credit",
        "model": "credit",
        "version": version,
        "start": start,
        "end": start + timedelta(seconds=5),
        "revision": 1,
        "rows": 500,
        "errors": 0,
        "rate": 100.0,
        "latency_p50_ms": 2.0,
        "latency_p99_ms": 9.0,
        "output_mean": 0.3,
        "outcome": "stable",
        "labelled": labelled,
        "quality": {metric: value} if labelled else {},
        "quality_interval": Interval(value=value, low=value - half, high=value + half) if labelled else None,
    }
    return WindowMeasured(**fields | changes)


async def labelled_canary(deployer, *, quality: dict[int, float], **changes: Any) -> Monitor:
    crowd = await canary(deployer, **changes)
    return Monitor(deployer, crowd, quality=quality)


def section(**changes: Any) -> dict[str, Any]:
    return {"canary": SECTION["canary"] | changes}


def quality_of(event: CanaryJudged) -> tuple[str, str]:
    [test] = [test for test in event.tests if test.aspect == "quality"]
    return test.decision, test.detail


async def test_a_canary_whose_labels_tell_that_it_is_worse_is_rolled_back(deployer) -> None:
    await labelled_canary(deployer, quality={1: GOOD, 2: BAD})
    _, judged, back = await ended(deployer)
    assert isinstance(back, DeploymentRolledBack)
    assert (judged.verdict, [test.aspect for test in judged.tests if test.decision == "worse"]) == (
        "roll_back",
        ["quality"],
    )
    [test] = [test for test in judged.tests if test.aspect == "quality"]
    assert (test.stable, test.canary) == (pytest.approx(GOOD), pytest.approx(BAD))
    assert test.statistic > test.threshold > 0
    assert back.reason == (
        "quality: auc 0.600, 0.800 of the stable version in the same windows, by 300 labels of each or more"
    )


async def test_a_canary_whose_labels_tell_nothing_worse_goes_on(deployer) -> None:
    await labelled_canary(deployer, quality={1: GOOD, 2: GOOD})
    _, first, second, deployed = await ended(deployer)
    assert isinstance(deployed, ModelDeployed)
    assert quality_of(first)[0] == quality_of(second)[0] == "not_worse"


async def test_a_smaller_loss_than_is_borne_is_no_reason(deployer) -> None:
    await labelled_canary(deployer, quality={1: GOOD, 2: BAD}, **section(max_quality_loss=0.3))
    assert isinstance((await ended(deployer))[-1], ModelDeployed)


@pytest.mark.parametrize(
    ("quality", "last"),
    [({1: 0.1, 2: 0.4}, DeploymentRolledBack), ({1: 0.4, 2: 0.1}, ModelDeployed)],
    ids=["more", "less"],
)
async def test_of_a_loss_more_is_worse(deployer, quality, last) -> None:
    monitor = await labelled_canary(deployer, quality=quality, monitoring={"quality": {"metric": "log_loss"}})
    monitor.metric = "log_loss"
    assert isinstance((await ended(deployer))[-1], last)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (section(labels="ignore"), "labels are ignored"),
        ({"monitoring": {"quality": {"metric": "brier"}}}, "no labels yet"),
        ({"monitoring": {"quality": {"min_labelled": 100_000}}}, "too few labels: 3,000, 100,000 are needed"),
    ],
    ids=["ignored", "of-another-metric", "too-few"],
)
async def test_labels_that_do_not_count_decide_nothing(deployer, changes, why) -> None:
    await labelled_canary(deployer, quality={1: GOOD, 2: BAD}, **changes)
    *_, last, deployed = await ended(deployer)
    assert isinstance(deployed, ModelDeployed)
    assert quality_of(last) == ("not_tested", why)


async def test_a_loss_that_may_be_chance_is_no_reason(deployer) -> None:
    monitor = await labelled_canary(deployer, quality={1: GOOD, 2: BAD})
    monitor.error = 0.5
    *_, last, deployed = await ended(deployer)
    assert isinstance(deployed, ModelDeployed)
    assert quality_of(last)[0] == "not_worse"


async def test_windows_of_other_versions_are_not_compared(deployer) -> None:
    await labelled_canary(deployer, quality={3: GOOD, 2: BAD})
    *_, last, deployed = await ended(deployer)
    assert isinstance(deployed, ModelDeployed)
    assert quality_of(last) == ("not_tested", "no labels yet")


async def test_windows_of_before_the_canary_are_not_compared(deployer) -> None:
    monitor = await labelled_canary(deployer, quality={1: GOOD, 2: BAD})
    monitor.start -= timedelta(hours=1)
    *_, last, deployed = await ended(deployer)
    assert isinstance(deployed, ModelDeployed)
    assert quality_of(last) == ("not_tested", "no labels yet")


async def test_a_canary_waits_for_labels_if_it_is_asked_to_and_says_so_once(deployer) -> None:
    monitor = await labelled_canary(deployer, quality={1: GOOD, 2: GOOD}, **section(labels="wait"))
    monitor.labelled = 0

    async def labels_after_a_minute() -> None:
        if len(monitor.crowd.weights) > 60:
            monitor.labelled = 300
        await monitor.a_second()

    monitor.crowd.meanwhile = labels_after_a_minute
    _, began, first, over, *_, deployed = await ended(deployer)
    assert [type(event) for event in (began, first, over)] == [TroubleReported, CanaryJudged, TroubleReported]
    assert began.detail.startswith(
        "0 labels of the canary and 0 of the stable version in the same windows, 200 are needed"
    )
    assert set(monitor.crowd.weights[:60]) == {0.1}
    assert isinstance(deployed, ModelDeployed)


async def test_without_being_asked_it_waits_for_no_labels(deployer) -> None:
    monitor = await labelled_canary(deployer, quality={1: GOOD, 2: GOOD})
    monitor.labelled = 0
    assert isinstance((await ended(deployer))[-1], ModelDeployed)
    assert len(monitor.crowd.weights) == 10


async def test_labels_that_come_after_the_canary_has_passed_change_nothing(deployer) -> None:
    monitor = await labelled_canary(deployer, quality={})
    assert isinstance((await ended(deployer))[-1], ModelDeployed)
    for version, value in ((1, GOOD), (2, BAD)):
        await deployer.kernel.receives(monitor.window(version, value, start=monitor.start - timedelta(seconds=5)))
    assert await ended(deployer) == []
    assert await deployer.kernel.get(CANARY_LABELS, "credit") is None


async def test_a_window_counts_once_with_the_labels_that_it_has_by_now(deployer) -> None:
    monitor = await labelled_canary(deployer, quality={}, **section(labels="wait", deadline="1h"))
    start = monitor.start

    async def told() -> None:
        second = len(monitor.crowd.weights)
        if second == 2:
            await deployer.kernel.receives(monitor.window(1, GOOD, start=start))
            await deployer.kernel.receives(measured(2, BAD, start=start, labelled=20, revision=2))
            await deployer.kernel.receives(measured(2, BAD, start=start, labelled=900, revision=1))
        elif second == 4:
            known = await deployer.kernel.get(CANARY_LABELS, "credit")
            assert (known.labels, known.look) == ((300, 20), None)
            await deployer.kernel.receives(measured(2, GOOD, start=start, labelled=250, revision=3))

    monitor.crowd.meanwhile = told
    assert isinstance((await ended(deployer))[-1], ModelDeployed)
    known = await deployer.kernel.get(CANARY_LABELS, "credit")
    assert (known.labels, known.look.number, known.look.labels) == ((300, 250), 1, 250)


async def test_a_crash_repeats_no_look_at_labels(deployer) -> None:
    """A look that is taken twice spends its part of the false alarms twice."""
    monitor = await labelled_canary(deployer, quality={1: GOOD, 2: GOOD})

    async def killed() -> None:
        await monitor.a_second()
        if len(monitor.crowd.weights) == 3:
            monitor.crowd.meanwhile = monitor.a_second
            raise Transient("the deployer was killed here")

    monitor.crowd.meanwhile = killed
    await ended(deployer)
    before = await deployer.kernel.get(CANARY_LABELS, "credit")
    assert before.look.number == 3
    deployer.kernel.clock.advance(10)
    assert isinstance((await ended(deployer))[-1], ModelDeployed)
    after = await deployer.kernel.get(CANARY_LABELS, "credit")
    assert after.look.number > before.look.number


async def test_the_next_canary_begins_with_no_labels(deployer) -> None:
    monitor = await labelled_canary(deployer, quality={1: GOOD, 2: BAD})
    await ended(deployer)
    monitor.quality = {}
    await deployer.promote(3)
    *_, last, deployed = await ended(deployer)
    assert (type(deployed), deployed.version) == (ModelDeployed, 3)
    assert quality_of(last) == ("not_tested", "no labels yet")
