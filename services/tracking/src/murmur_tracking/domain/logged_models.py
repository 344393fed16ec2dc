"""A model that a client logged: what it is, and what its runs measured of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from murmur_tracking.domain.facts import Measured, Points
from murmur_tracking.domain.runs import Last, is_newer

VERSIONS = "mlflow.modelVersions"
"""The tag that lists the registered versions that are made of it, as JSON."""

ModelStatus = Literal["pending", "ready", "failed"]


@dataclass(frozen=True, kw_only=True)
class LoggedModel:
    """model_type, source_run: "" where its client did not say. A deleted one is found by its id alone."""

    id: str
    workspace: str
    experiment: str
    name: str
    artifact_uri: str
    created_at: datetime
    updated_at: datetime
    status: ModelStatus = "pending"
    model_type: str = ""
    source_run: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelMetric:
    """The newest value of a metric of a model on one data set: step, time in ms since 1970, value."""

    key: str
    last: Last
    dataset_name: str | None = None
    dataset_digest: str | None = None

    @property
    def place(self) -> tuple[str, str | None, str | None]:
        return self.key, self.dataset_name, self.dataset_digest


@dataclass(frozen=True, kw_only=True)
class ModelMetrics:
    """What one run measured of a model, by metric and data set: no longer for being measured often."""

    __pydantic_config__ = {"ser_json_inf_nan": "strings"}  # noqa: RUF012  # what is no number is kept as such

    model_id: str
    run_id: str
    workspace: str
    metrics: tuple[ModelMetric, ...] = ()


def measure(before: ModelMetrics, points: Points, measured: Measured) -> ModelMetrics:
    """With the points that are of this model."""
    told = list(points.each())
    newest = {metric.place: metric for metric in before.metrics}
    for at in measured.places:
        key, step, time, value = told[at]
        metric = ModelMetric(
            key=key,
            last=(step, time, value),
            dataset_name=measured.dataset_name,
            dataset_digest=measured.dataset_digest,
        )
        known = newest.get(metric.place)
        if known is None or is_newer(metric.last, known.last):
            newest[metric.place] = metric
    return replace(before, metrics=tuple(newest.values()))


def latest(metrics: Iterable[ModelMetric]) -> dict[str, float]:
    """The newest value of each metric, by time and then step as MLflow's server orders them."""
    found: dict[str, ModelMetric] = {}
    for metric in metrics:
        known = found.get(metric.key)
        if known is None or _by_time(metric.last) > _by_time(known.last):
            found[metric.key] = metric
    return {key: metric.last[2] for key, metric in found.items()}


def _by_time(last: Last) -> tuple[int, int]:
    step, time, _ = last
    return time, step


def with_version(listed: str, name: str, version: int) -> str:
    """The list with one version more; what is no list begins anew."""
    try:
        known = json.loads(listed)
    except ValueError:
        known = []
    made = {"name": name, "version": version}
    if not isinstance(known, list):
        known = []
    return listed if made in known else json.dumps([*known, made])
