"""python look.py <uri>: all that a server holds, as the client of this environment sees it, as JSON.

MURMUR_COMPAT_WORKSPACE  whose, where it is a flock

Left out is what an import cannot keep: ids of experiments, places of files, when versions were made here.
"""

import hashlib
import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider
from mlflow.tracking.request_header.registry import _request_header_provider_registry
from rest import WORKSPACE

CLIENT_3 = int(mlflow.__version__.partition(".")[0]) >= 3


class Workspace(RequestHeaderProvider):
    def in_context(self) -> bool:
        return bool(os.environ.get("MURMUR_COMPAT_WORKSPACE"))

    def request_headers(self) -> dict[str, str]:
        return {WORKSPACE: os.environ["MURMUR_COMPAT_WORKSPACE"]}


def look(uri: str) -> dict[str, Any]:
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient(uri)
    experiments = client.search_experiments(view_type=ViewType.ALL)
    names = {one.experiment_id: one.name for one in experiments}
    runs = client.search_runs(list(names), run_view_type=ViewType.ALL, max_results=1000)
    return {
        "experiments": {one.name: [one.lifecycle_stage, tags(one.tags)] for one in experiments},
        "runs": {run.info.run_id: {"experiment": names[run.info.experiment_id], **seen(client, run)} for run in runs},
        "logged models": logged(client, names) if CLIENT_3 else {},
        "registered models": {
            one.name: [one.description or "", tags(one.tags), {k: str(v) for k, v in one.aliases.items()}]
            for one in client.search_registered_models()
        },
        "versions": {f"{one.name}/{one.version}": version(one) for one in client.search_model_versions()},
    }


def seen(client: MlflowClient, run: Run) -> dict[str, Any]:
    info = run.info
    return {
        "info": [info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage, info.user_id],
        "params": run.data.params,
        "tags": tags(run.data.tags),
        "metrics": {
            key: sorted(
                [one.timestamp, one.step, number(one.value)] for one in client.get_metric_history(info.run_id, key)
            )
            for key in run.data.metrics
        },
        "inputs": sorted(
            str([one.dataset.to_dictionary(), [(tag.key, tag.value) for tag in one.tags]])
            for one in run.inputs.dataset_inputs
        ),
        "outputs": [[one.model_id, one.step] for one in run.outputs.model_outputs] if CLIENT_3 else [],
        "files": files(f"runs:/{info.run_id}/"),
    }


def logged(client: MlflowClient, names: dict[str, str]) -> dict[str, Any]:
    """Without metrics: of a logged model only the newest of each are kept."""
    return {
        one.model_id: {
            "experiment": names[one.experiment_id],
            "info": [one.name, str(one.status), one.model_type, one.source_run_id, one.creation_timestamp],
            "params": one.params,
            "tags": tags(one.tags),
            "files": files(f"models:/{one.model_id}"),
        }
        for one in client.search_logged_models(list(names))
    }


def version(one: Any) -> list[Any]:
    """It loads, and predicts as it did."""
    model = mlflow.xgboost.load_model(f"models:/{one.name}/{one.version}")
    digest = hashlib.sha256(bytes(model.get_booster().save_raw())).hexdigest()
    return [one.description or "", tags(one.tags), one.current_stage, one.run_id, digest]


def files(uri: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)
        except MlflowException:  # the older client is told of a run without files by an error
            return {}
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in Path(folder).rglob("*")
            if path.is_file()
        }


def number(value: float) -> str:
    """A stock server keeps an infinity as the greatest number."""
    return str(math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value)


def tags(told: Any) -> dict[str, str]:
    return {key: text for key, text in dict(told).items() if not key.startswith("murmur.import")}


if __name__ == "__main__":
    _request_header_provider_registry.register(Workspace)
    json.dump(look(sys.argv[1]), sys.stdout, sort_keys=True)
