"""Names live beside the bytes that they stand for: one small file a name, below `mlflow/` of the artifact store."""

from pathlib import Path

from murmur_kernel.artifact_files import file_system, is_local
from murmur_tracking.mlflow_api.artifacts.claims import Names
from murmur_tracking.mlflow_api.artifacts.local_names import LocalNames
from murmur_tracking.mlflow_api.artifacts.object_names import ObjectNames

FOLDER = "mlflow"


def open_names(artifacts_url: str) -> Names:
    files, base = file_system(f"{artifacts_url.rstrip('/')}/{FOLDER}")
    return LocalNames(Path(base)) if is_local(files) else ObjectNames(files, base)
