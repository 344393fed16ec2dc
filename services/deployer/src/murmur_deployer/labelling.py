"""Keeps what the monitor's windows tell of the quality of both versions, while a canary is under way."""

import math
from statistics import NormalDist

from murmur_deployer.domain.quality import WindowQuality
from murmur_deployer.domain.rules import QualityRules
from murmur_deployer.repository import DeployerUnitOfWork
from murmur_events.monitoring import WindowMeasured


async def weigh_labels(event: WindowMeasured, uow: DeployerUnitOfWork) -> None:
    """A window of either version since the canary began becomes evidence; the canary's job judges it within a second.

    Each look spends a part of the false alarms: a reaction, then, that no rebuild repeats. Without a canary nothing is
    kept: what labels tell later is for `performance.degraded`.
    """
    deployment = await uow.deployments.get(event.deployment)
    if deployment is None or (labels := await uow.labels_of(deployment)) is None:
        return
    rules = (await uow.rules_of(event.deployment)).canary.quality
    compared = event.version in (labels.stable_version, labels.canary_version) and event.end > labels.began
    if not compared or (window := _quality_of(event, rules)) is None:
        return
    uow.canary_labels.save(labels.seen(event.version, window, rules))


def _quality_of(event: WindowMeasured, rules: QualityRules) -> WindowQuality | None:
    """None without labels, without an interval, or where the monitor judged by another metric."""
    interval = event.quality_interval
    if interval is None or not event.labelled or event.quality.get(rules.metric) != interval.value:
        return None
    error = max(interval.value - interval.low, interval.high - interval.value)
    error /= NormalDist().inv_cdf((1 + rules.confidence) / 2)
    if not (math.isfinite(interval.value) and math.isfinite(error)):
        return None
    return WindowQuality(event.start, event.revision, event.labelled, interval.value, error)
