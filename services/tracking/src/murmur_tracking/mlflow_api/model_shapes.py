"""Logged models in the shape in which MLflow's clients read them."""

from collections.abc import Sequence

from murmur_tracking.domain import workspaces
from murmur_tracking.domain.logged_models import LoggedModel, ModelMetrics, ModelStatus
from murmur_tracking.mlflow_api.shapes import Json, filled, metric_shape, pairs
from murmur_tracking.search.entries import millis

_SHOWN: dict[ModelStatus, str] = {
    "pending": "LOGGED_MODEL_PENDING",
    "ready": "LOGGED_MODEL_READY",
    "failed": "LOGGED_MODEL_UPLOAD_FAILED",
}


def model_shape(model: LoggedModel, measured: Sequence[ModelMetrics] = ()) -> Json:
    metrics = [
        metric_shape(
            metric.key,
            *metric.last,
            model_id=model.id,
            run_id=of_run.run_id,
            **filled(dataset_name=metric.dataset_name, dataset_digest=metric.dataset_digest),
        )
        for of_run in measured
        for metric in of_run.metrics
    ]
    return {
        "info": {
            "model_id": model.id,
            "experiment_id": workspaces.shown(model.experiment),
            "name": model.name,
            "creation_timestamp_ms": millis(model.created_at),
            "last_updated_timestamp_ms": millis(model.updated_at),
            "artifact_uri": model.artifact_uri,
            "status": _SHOWN[model.status],
            "model_type": model.model_type,
            "source_run_id": model.source_run,
            **filled(tags=pairs(model.tags)),
        },
        "data": filled(params=pairs(model.parameters), metrics=metrics),
    }
