"""Artifacts of MLflow's clients: names are paths, bytes lie under their digests in the platform's artifact store.

shelf = Shelf(service.artifacts, open_names(settings.artifacts_url), largest=settings.largest_artifact)
await list_artifacts(shelf, workspace, run.artifact_uri, path)      # for the router that owns runs
"""

from murmur_tracking.mlflow_api.artifacts.claims import Claim, Entry, Names
from murmur_tracking.mlflow_api.artifacts.names import open_names
from murmur_tracking.mlflow_api.artifacts.proxied import artifact_path, list_artifacts
from murmur_tracking.mlflow_api.artifacts.routes import FindRoot, router
from murmur_tracking.mlflow_api.artifacts.shelf import Shelf

__all__ = ["Claim", "Entry", "FindRoot", "Names", "Shelf", "artifact_path", "list_artifacts", "open_names", "router"]
