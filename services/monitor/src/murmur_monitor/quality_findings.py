"""What the labels of a window lead to: the window once more, with its quality, and a step of its deployment's episode
of degradation.
"""

from dataclasses import dataclass, replace

from murmur_events.base import DeploymentName, ModelName, WorkflowName
from murmur_events.monitoring import PerformanceDegraded
from murmur_monitor.domain.degradation import Baseline, Degradation, Judgement, QualityOutcome, judge
from murmur_monitor.domain.episodes import Watch
from murmur_monitor.domain.measured import MeasuredWindow, window_id
from murmur_monitor.domain.quality import MetricName, Quality
from murmur_monitor.domain.windows import Window
from murmur_monitor.episodes import Course, follow
from murmur_monitor.repository import MonitorUnitOfWork, QualityRules, version_id
from murmur_monitor.telling import interval_of, told


@dataclass(frozen=True)
class WindowLabelled:
    """A finding of the quality scan: how good one window's predictions were, by the labels that are known by now."""

    deployment: str
    version: int
    window: Window
    metric: MetricName
    quality: Quality


async def record_quality(finding: WindowLabelled, uow: MonitorUnitOfWork) -> int:
    """Publish the window again, with what its labels tell and what that does to the deployment's episode.

    Returns the window's revision, 0 where it is not known. The same labels change nothing, and fewer of them neither:
    those come from a book that is being read anew. What belongs to an episode keeps its correlation.
    """
    before = await uow.windows.get(window_id(finding.deployment, finding.version, finding.window.starts_at))
    if before is None:
        return 0
    if finding.quality.labelled < before.quality.labelled or finding.quality == before.quality:
        return before.revision
    watch = await uow.watches.get(finding.deployment)
    rules = QualityRules() if watch is None else (await uow.rules.require(watch.workflow)).quality
    judgement = await _judged(finding, before, rules, uow)
    measured = replace(
        before,
        revision=before.revision + 1,
        quality=finding.quality,
        quality_detail=judgement.detail,
        looks=before.looks if judgement.bad is None else before.looks.after(finding.quality.labelled),
    )
    if watch is None:
        uow.publish(told(measured))
    else:
        measured = await _follow(measured, judgement, watch, rules, uow)
    uow.windows.save(measured)
    return measured.revision


async def _judged(
    finding: WindowLabelled, window: MeasuredWindow, rules: QualityRules, uow: MonitorUnitOfWork
) -> Judgement:
    """Against the version's baseline, which this window becomes, or remains, where there is no other."""
    version = await uow.versions.get(version_id(finding.deployment, finding.version))
    if version is None:
        return Judgement(QualityOutcome.NOT_JUDGED, "the version was never announced")
    if finding.metric != rules.metric:
        return Judgement(QualityOutcome.NOT_JUDGED, f"the workflow judges by {rules.metric} from now on")
    answered = window.statistics.answered
    judgement = judge(finding.quality, window.start, version.baseline, rules.limits, window.looks, answered=answered)
    if judgement.outcome is QualityOutcome.BETWEEN_LOOKS:
        return replace(judgement, detail=window.quality_detail)
    if judgement.outcome is QualityOutcome.BASELINE and finding.quality.interval is not None:
        baseline = Baseline(rules.metric, window.start, finding.quality.interval, finding.quality.labelled)
        uow.versions.save(replace(version, baseline=baseline))
    return judgement


async def _follow(
    measured: MeasuredWindow, judgement: Judgement, watch: Watch, rules: QualityRules, uow: MonitorUnitOfWork
) -> MeasuredWindow:
    """Publish, and move the watch and its episode. A version that does not serve opens and closes nothing."""

    async def begin() -> Degradation:
        return await _begun(measured, watch, rules, judgement.detail, uow)

    course = Course(
        uow.degradations,
        belongs=measured.degradation,
        begin=begin,
        begun="has become worse",
        over="has held",
        detail=judgement.detail,
    )
    bad = judgement.bad if measured.version == watch.version else None
    quality, degradation = await follow(measured, bad, watch.quality, course, uow)
    uow.watches.save(replace(watch, quality=quality))
    return replace(measured, degradation=degradation)


async def _begun(
    measured: MeasuredWindow, watch: Watch, rules: QualityRules, detail: str, uow: MonitorUnitOfWork
) -> Degradation:
    version = await uow.versions.require(version_id(measured.deployment, measured.version))
    interval, baseline = measured.quality.interval, version.baseline
    assert interval is not None, "a window is degraded by its interval"
    assert baseline is not None, "a window is degraded against a baseline"
    episode_id = uow.new_id("degradation")
    chain = uow.publish(
        PerformanceDegraded(
            deployment=DeploymentName(measured.deployment),
            model=ModelName(measured.model),
            version=measured.version,
            workflow=WorkflowName(watch.workflow),
            episode=episode_id,
            start=measured.start,
            end=measured.end,
            metric=rules.metric,
            value=interval_of(interval),
            baseline=baseline.value.value,
            max_loss=rules.max_loss,
            labelled=measured.quality.labelled,
            detail=detail,
        )
    )
    uow.resume(chain)
    return Degradation(
        id=episode_id,
        deployment=measured.deployment,
        model=measured.model,
        version=measured.version,
        workflow=watch.workflow,
        opened_at=measured.start,
        metric=rules.metric,
        value=interval,
        baseline=baseline.value.value,
        max_loss=rules.max_loss,
        labelled=measured.quality.labelled,
        detail=detail,
        correlation_id=chain.correlation_id,
        cause=chain.causation_id,
    )
