"""Names live beside the bytes that they stand for, below `mlflow/` of the artifact store."""

from pathlib import Path

from murmur_kernel.artifact_files import file_system, is_local
from murmur_tracking.mlflow_api.artifacts.claims import Names
from murmur_tracking.mlflow_api.artifacts.local_names import LocalNames
from murmur_tracking.mlflow_api.artifacts.object_names import ObjectNames

FOLDER = "mlflow"


def open_names(artifacts_url: str) -> Names:
    url = artifacts_url.rstrip("/")
    files, base = file_system(url)
    return LocalNames(url, Path(base), FOLDER) if is_local(files) else ObjectNames(files, f"{base}/{FOLDER}")
