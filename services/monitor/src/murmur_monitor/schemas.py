"""What the monitor answers by REST."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from murmur_monitor.domain.alerts import Alert
from murmur_monitor.domain.degradation import Degradation
from murmur_monitor.domain.drift import ColumnTest
from murmur_monitor.domain.episodes import Drift, Episode, Watch
from murmur_monitor.domain.measured import MeasuredWindow
from murmur_monitor.domain.quality import Interval


class DeploymentView(BaseModel):
    """A deployment being watched, and the episodes of drift and of degradation that are open, if any is."""

    deployment: str
    model: str
    workflow: str
    version: int
    since: datetime
    episode: str | None
    degradation: str | None

    @classmethod
    def of(cls, watch: Watch) -> Self:
        return cls(
            deployment=watch.deployment,
            model=watch.model,
            workflow=watch.workflow,
            version=watch.version,
            since=watch.since,
            episode=watch.drift.episode,
            degradation=watch.quality.episode,
        )


class ColumnView(BaseModel):
    """One column, compared with the reference."""

    column: str
    statistic: float
    p_value: float
    drifted: bool

    @classmethod
    def of(cls, test: ColumnTest, threshold: float) -> Self:
        return cls(column=test.name, statistic=test.statistic, p_value=test.p_value, drifted=test.p_value < threshold)


class IntervalView(BaseModel):
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, interval: Interval) -> Self:
        return cls.model_validate(interval, from_attributes=True)


class WindowView(BaseModel):
    """A closed window. A column has drifted where its p-value is below the threshold."""

    deployment: str
    model: str
    version: int
    start: datetime
    end: datetime
    revision: int
    rows: int
    errors: int
    rate: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    output_mean: float | None
    outcome: Literal["drift", "stable", "too_few_rows", "not_tested"]
    detail: str
    engine: str
    threshold: float
    columns: list[ColumnView]
    episode: str | None
    labelled: int
    quality: dict[str, float]
    quality_interval: IntervalView | None
    quality_detail: str
    degradation: str | None

    @classmethod
    def of(cls, window: MeasuredWindow) -> Self:
        return cls(
            deployment=window.deployment,
            model=window.model,
            version=window.version,
            start=window.start,
            end=window.end,
            revision=window.revision,
            rows=window.statistics.rows,
            errors=window.statistics.errors,
            rate=window.statistics.rate,
            latency_p50_ms=window.statistics.latency_p50_ms,
            latency_p99_ms=window.statistics.latency_p99_ms,
            output_mean=window.statistics.output_mean,
            outcome=window.outcome.value,
            detail=window.detail,
            engine=window.engine,
            threshold=window.threshold,
            columns=[ColumnView.of(test, window.threshold) for test in window.tests],
            episode=window.episode,
            labelled=window.quality.labelled,
            quality=window.quality.metrics,
            quality_interval=None if window.quality.interval is None else IntervalView.of(window.quality.interval),
            quality_detail=window.quality_detail,
            degradation=window.degradation,
        )


class EpisodeView(BaseModel):
    """What episodes of both kinds tell."""

    episode: str
    deployment: str
    model: str
    version: int
    workflow: str
    opened_at: datetime
    status: Literal["open", "closed"]
    closed_at: datetime | None
    windows: int
    correlation_id: str


def _told(episode: Episode) -> dict[str, Any]:
    same = {name: getattr(episode, name) for name in EpisodeView.model_fields if name not in ("episode", "status")}
    return {"episode": episode.id, "status": episode.status.value, **same}


class DriftView(EpisodeView):
    """An episode of drift, with the evidence of the window that opened it."""

    engine: str
    threshold: float
    columns: list[ColumnView]

    @classmethod
    def of(cls, episode: Drift) -> Self:
        columns = [ColumnView.of(test, episode.threshold) for test in episode.tests]
        return cls(engine=episode.engine, threshold=episode.threshold, columns=columns, **_told(episode))


class DegradationView(EpisodeView):
    """An episode of fallen quality, with the evidence of the window that opened it."""

    metric: str
    value: IntervalView
    baseline: float
    max_loss: float
    labelled: int
    detail: str

    @classmethod
    def of(cls, episode: Degradation) -> Self:
        return cls(
            metric=episode.metric,
            value=IntervalView.of(episode.value),
            baseline=episode.baseline,
            max_loss=episode.max_loss,
            labelled=episode.labelled,
            detail=episode.detail,
            **_told(episode),
        )


class AlertView(BaseModel):
    """Something that wants or wanted a person's attention."""

    id: str
    about: str
    deployment: str | None
    service: str
    severity: Literal["warning", "critical"]
    title: str
    detail: str
    status: Literal["raised", "resolved"]
    raised_at: datetime
    resolved_at: datetime | None
    correlation_id: str

    @classmethod
    def of(cls, alert: Alert) -> Self:
        return cls.model_validate(alert, from_attributes=True)


class LabelRow(BaseModel):
    """request_id: `id`, or `id#row` from a request's second row on. time: when the label became known; absent: now."""

    request_id: str
    label: float
    time: datetime | None = None


class Feedback(BaseModel):
    """Labels of one source; `clicks` makes a click-through rate of them."""

    source: str = Field(default="labels", min_length=1, max_length=100)
    rows: list[LabelRow]


class Taken(BaseModel):
    """Labels that were taken; what they are joined to is seen in the windows."""

    deployment: str
    labels: int
    correlation_id: str


class LabelCounts(BaseModel):
    """What became of a deployment's labels since it is watched.

    received: all; joined: their prediction is known; repeated: said before; corrected: replaced an earlier one;
    outdated: known earlier than the one that is kept; too_late: more than the workflow's label_delay after their
    prediction; unmatched: no prediction came for them in that time; waiting: for a prediction that may still come.
    predictions: kept to be joined; let_go: of those, made room before their labels could come
    """

    deployment: str
    predictions: int
    received: int
    joined: int
    repeated: int
    corrected: int
    outdated: int
    too_late: int
    unmatched: int
    let_go: int
    waiting: int


class DeploymentPage(BaseModel):
    items: list[DeploymentView]
    next: str | None


class WindowPage(BaseModel):
    items: list[WindowView]
    next: str | None


class DriftPage(BaseModel):
    items: list[DriftView]
    next: str | None


class DegradationPage(BaseModel):
    items: list[DegradationView]
    next: str | None


class AlertPage(BaseModel):
    items: list[AlertView]
    next: str | None
