"""A window as the event that tells it: by whom it is made, of rows or of labels, is the same to whoever hears it."""

from murmur_events.base import DeploymentName, ModelName
from murmur_events.monitoring import WindowMeasured
from murmur_events.values import Interval
from murmur_monitor.domain import quality
from murmur_monitor.domain.measured import MeasuredWindow


def told(measured: MeasuredWindow) -> WindowMeasured:
    numbers, labels = measured.statistics, measured.quality
    return WindowMeasured(
        deployment=DeploymentName(measured.deployment),
        model=ModelName(measured.model),
        version=measured.version,
        start=measured.start,
        end=measured.end,
        revision=measured.revision,
        rows=numbers.rows,
        errors=numbers.errors,
        rate=numbers.rate,
        latency_p50_ms=numbers.latency_p50_ms,
        latency_p99_ms=numbers.latency_p99_ms,
        output_mean=numbers.output_mean,
        outcome=measured.outcome.value,
        detail=measured.detail,
        labelled=labels.labelled,
        quality=labels.metrics,
        quality_interval=None if labels.interval is None else interval_of(labels.interval),
        quality_detail=measured.quality_detail,
    )


def interval_of(interval: quality.Interval) -> Interval:
    return Interval(value=interval.value, low=interval.low, high=interval.high)
