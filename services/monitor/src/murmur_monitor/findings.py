"""What a closed window leads to: the window itself as a fact, and a step of its deployment's episode."""

from dataclasses import dataclass, replace
from typing import assert_never

from murmur_events.base import DeploymentName, ModelName, WorkflowName
from murmur_events.monitoring import DriftDetected, FeatureDrift
from murmur_monitor import alerting
from murmur_monitor.domain import alerts
from murmur_monitor.domain.drift import judge
from murmur_monitor.domain.episodes import Drift, Outcome, Watch
from murmur_monitor.domain.measured import (
    Compared,
    Comparison,
    MeasuredWindow,
    NotCompared,
    Statistics,
    TooFewRows,
    window_id,
)
from murmur_monitor.domain.windows import Window
from murmur_monitor.episodes import Course, follow
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_monitor.telling import told

_NAMED = 3
"""How many drifted columns a text names before it only counts them."""


@dataclass(frozen=True)
class WindowClosed:
    """A finding of the close scan: one window, its numbers, and how it compares."""

    deployment: str
    model: str
    version: int
    window: Window
    statistics: Statistics
    comparison: Comparison

    @property
    def id(self) -> str:
        """The same for the same rows: a window is recorded once however often it is found."""
        return f"{window_id(self.deployment, self.version, self.window.starts_at)}/{self.statistics.rows}"


async def record_window(finding: WindowClosed, uow: MonitorUnitOfWork) -> int:
    """Publish the window and what it does to the deployment's episode. Returns the window's revision.

    The same window with no more rows than before changes nothing. With more rows it is published again under the next
    revision, and its verdict replaces the former one. What belongs to an episode keeps its correlation.
    """
    before = await uow.windows.get(window_id(finding.deployment, finding.version, finding.window.starts_at))
    if before is not None and before.statistics.rows >= finding.statistics.rows:
        return before.revision
    measured = _measured(finding, revision=1 if before is None else before.revision + 1)
    if before is not None:
        measured = measured.after(before)
    watch = await uow.watches.get(finding.deployment)
    if watch is None:
        uow.publish(told(measured))
    else:
        measured = await _follow(measured, watch, uow)
    uow.windows.save(measured)
    return measured.revision


async def _follow(measured: MeasuredWindow, watch: Watch, uow: MonitorUnitOfWork) -> MeasuredWindow:
    """Publish, and move the watch and its episode. A version that does not serve opens and closes nothing."""
    serves = measured.version == watch.version

    async def begin() -> Drift:
        return _begun(measured, watch, uow)

    course = Course(
        uow.episodes,
        belongs=measured.episode,
        begin=begin,
        begun="drifts",
        over="is stable",
        detail=measured.detail,
    )
    drift, episode = await follow(measured, measured.outcome.bad if serves else None, watch.drift, course, uow)
    uow.watches.save(replace(watch, drift=drift))
    if serves:
        await _say_whether_tested(measured, uow)
    return replace(measured, episode=episode)


def _begun(measured: MeasuredWindow, watch: Watch, uow: MonitorUnitOfWork) -> Drift:
    episode_id = uow.new_id("episode")
    chain = uow.publish(
        DriftDetected(
            deployment=DeploymentName(measured.deployment),
            model=ModelName(measured.model),
            version=measured.version,
            workflow=WorkflowName(watch.workflow),
            episode=episode_id,
            start=measured.start,
            end=measured.end,
            rows=measured.statistics.rows,
            engine=measured.engine,
            threshold=measured.threshold,
            features=tuple(
                FeatureDrift(
                    feature=test.name,
                    statistic=test.statistic,
                    p_value=test.p_value,
                    drifted=test.p_value < measured.threshold,
                )
                for test in measured.tests
            ),
        )
    )
    uow.resume(chain)
    return Drift(
        id=episode_id,
        deployment=measured.deployment,
        model=measured.model,
        version=measured.version,
        workflow=watch.workflow,
        opened_at=measured.start,
        opened_until=measured.end,
        engine=measured.engine,
        threshold=measured.threshold,
        tests=measured.tests,
        correlation_id=chain.correlation_id,
        cause=chain.causation_id,
    )


async def _say_whether_tested(measured: MeasuredWindow, uow: MonitorUnitOfWork) -> None:
    """A deployment that nobody can watch is told to people once, and once more when it is watched again."""
    alert_id = alerts.untested(measured.deployment, measured.version)
    if measured.outcome is Outcome.NOT_TESTED:
        title = f"{measured.deployment} version {measured.version} is not watched for drift"
        detail = measured.detail
        await alerting.raise_once(uow, alert_id, measured.deployment, severity="critical", title=title, detail=detail)
    elif measured.outcome is not Outcome.TOO_FEW_ROWS:
        for alert in await alerting.raised(uow, measured.deployment):
            if alert.id == alert_id:
                alerting.resolve(uow, alert, "a window was tested again")


def _measured(finding: WindowClosed, *, revision: int) -> MeasuredWindow:
    window = MeasuredWindow(
        deployment=finding.deployment,
        model=finding.model,
        version=finding.version,
        start=finding.window.starts_at,
        end=finding.window.ends_at,
        revision=revision,
        statistics=finding.statistics,
        outcome=Outcome.NOT_TESTED,
        detail="",
        engine="",
        threshold=0.0,
        tests=(),
        episode=None,
    )
    match finding.comparison:
        case TooFewRows(rows, needed):
            detail = f"{rows} answered predictions, {needed} are needed for a test"
            return replace(window, outcome=Outcome.TOO_FEW_ROWS, detail=detail)
        case NotCompared(reason):
            return replace(window, detail=reason)
        case Compared(engine, error_rate, tests):
            verdict = judge(tests, error_rate=error_rate)
            return replace(
                window,
                outcome=Outcome.DRIFT if verdict.drifted else Outcome.STABLE,
                detail=_described(finding.comparison, verdict.drifted),
                engine=engine,
                threshold=verdict.threshold,
                tests=tests,
            )
        case _:
            assert_never(finding.comparison)


def _described(tested: Compared, drifted: tuple[str, ...]) -> str:
    if not drifted:
        return f"none of {len(tested.tests)} columns differs from the reference"
    worst = sorted((test for test in tested.tests if test.name in drifted), key=lambda test: test.p_value)
    named = ", ".join(f"{test.name} (p {test.p_value:.1e})" for test in worst[:_NAMED])
    more = f" and {len(worst) - _NAMED} more" if len(worst) > _NAMED else ""
    return f"{len(worst)} of {len(tested.tests)} columns differ from the reference: {named}{more}"
