"""Runs and experiments in the shapes in which MLflow's clients read them."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from murmur_tracking.domain import workspaces
from murmur_tracking.domain.experiments import Experiment
from murmur_tracking.domain.facts import DatasetInput
from murmur_tracking.domain.runs import Run
from murmur_tracking.search.entries import RunRow, millis, row_of

Json = dict[str, Any]


def experiment_shape(experiment: Experiment) -> Json:
    return {
        "experiment_id": workspaces.shown(experiment.id),
        "name": experiment.name,
        "artifact_location": experiment.artifact_location,
        "lifecycle_stage": _stage(deleted=experiment.deleted),
        "last_update_time": millis(experiment.updated_at),
        "creation_time": millis(experiment.created_at),
        **filled(tags=pairs(experiment.tags)),
    }


def run_shape(run: Run, experiment: Experiment | None = None) -> Json:
    """experiment: the run's, whose being in the bin puts the run there too."""
    row = row_of(run)
    metrics = [metric_shape(name, *last) for name, last in row.metrics.items()]
    sheet = run.sheet
    return {
        "info": info_shape(row, experiment),
        "data": filled(metrics=metrics, params=pairs(row.params), tags=pairs(row.tags)),
        "inputs": filled(
            dataset_inputs=[_dataset_shape(one) for one in row.datasets],
            model_inputs=[{"model_id": link.model_id} for link in sheet.models_read] if sheet else [],
        ),
        "outputs": filled(
            model_outputs=[{"model_id": link.model_id, "step": link.step or 0} for link in sheet.models_written]
            if sheet
            else []
        ),
    }


def info_shape(row: RunRow, experiment: Experiment | None = None) -> Json:
    deleted = row.lifecycle == "deleted" or (experiment is not None and experiment.deleted)
    return {
        "run_uuid": row.id,
        "run_id": row.id,
        "experiment_id": workspaces.shown(row.experiment),
        "run_name": row.name,
        "user_id": row.user,
        "status": row.status,
        "start_time": row.started,
        **({} if row.ended is None else {"end_time": row.ended}),
        "artifact_uri": row.artifact_uri,
        "lifecycle_stage": _stage(deleted=deleted),
    }


def metric_shape(name: str, step: int, time: int, value: float, **more: str) -> Json:
    return {"key": name, "value": _number(value), "timestamp": time, "step": step, **more}


def _dataset_shape(one: DatasetInput) -> Json:
    dataset = {"name": one.name, "digest": one.digest, "source_type": one.source_type, "source": one.source}
    return {
        **filled(tags=pairs(one.tags)),
        "dataset": {**dataset, **filled(schema=one.schema_text, profile=one.profile)},
    }


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def pairs(texts: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in texts.items()]


def filled(**lists: Iterable[Any] | None) -> Json:
    return {name: value for name, value in lists.items() if value}


def _stage(*, deleted: bool) -> str:
    return "deleted" if deleted else "active"
