"""Artifact roots as runs and logged models carry them, and what they mean on the shelf."""

from typing import Any
from urllib.parse import urlsplit

from murmur_mlflow.refusals import BadValue
from murmur_tracking.mlflow_api.artifacts.claims import Entry
from murmur_tracking.mlflow_api.artifacts.paths import safe_path
from murmur_tracking.mlflow_api.artifacts.shelf import Shelf

API = "/api/2.0/mlflow-artifacts/artifacts"


def artifact_path(root_uri: str, path: str = "") -> str:
    """Where `path` of a run or logged model with that root lies in its workspace. Raises BadValue.

    `mlflow-artifacts:/3/<run>/artifacts`, or the same as an address of this server: both end in the path.
    """
    root = urlsplit(root_uri)
    if root.scheme == "mlflow-artifacts":
        top = root.path
    elif root.scheme in ("http", "https") and API in root.path:
        top = root.path.partition(API)[2]
    else:
        raise BadValue(
            f"the artifacts of {root_uri!r} are not kept by this server: read them from there, with the client's own"
            f" access (this server serves what begins with 'mlflow-artifacts:')"
        )
    return "/".join(part for part in (safe_path(top.lstrip("/")), safe_path(path)) if part)


async def list_artifacts(shelf: Shelf, workspace: str, root_uri: str, path: str = "") -> list[dict[str, Any]]:
    """The `files` of MLflow's answer, each named from the root; none where there are none. Raises BadValue."""
    entries = await shelf.entries(workspace, artifact_path(root_uri, path))
    folder = safe_path(path)
    return [file_info(entry, within=folder) for entry in entries]


def file_info(entry: Entry, *, within: str = "") -> dict[str, Any]:
    """In MLflow's shape: a folder has no size."""
    info: dict[str, Any] = {"path": f"{within}/{entry.name}" if within else entry.name, "is_dir": entry.is_folder}
    if entry.claim is not None:
        info["file_size"] = entry.claim.size
    return info
