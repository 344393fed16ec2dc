"""The files of a logged model, by its id."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from murmur_kernel.auth import Role, allows
from murmur_mlflow.door import PREFIXES
from murmur_mlflow.refusals import BadValue
from murmur_tracking.mlflow_api.artifacts import FindRoot, Shelf, artifact_path, list_artifacts
from murmur_tracking.mlflow_api.artifacts.paths import safe_path
from murmur_tracking.mlflow_api.artifacts.sending import sent
from murmur_tracking.mlflow_api.errors import MlflowRoute
from murmur_tracking.mlflow_api.workspaces import Workspaces

_READS = [allows(Role.VIEWER)]


def router(shelf: Shelf, find_root: FindRoot, naming: Workspaces) -> APIRouter:
    """find_root: of a logged model."""
    api = APIRouter(route_class=MlflowRoute, include_in_schema=False)
    for prefix in PREFIXES:
        _files(api, f"{prefix}/logged-models/{{model_id}}/artifacts", shelf, find_root, naming)
    return api


def _files(api: APIRouter, base: str, shelf: Shelf, find_root: FindRoot, naming: Workspaces) -> None:
    @api.get(f"{base}/directories", dependencies=_READS)
    async def list_files(request: Request, model_id: str, artifact_directory_path: str = "") -> Response:
        workspace, folder = await naming.of(request), safe_path(artifact_directory_path)
        root = await find_root(workspace, model_id)
        files = await list_artifacts(shelf, workspace, root, folder)
        return JSONResponse({"root_uri": root, **({"files": files} if files else {})})

    @api.get(f"{base}/files", dependencies=_READS)
    async def get_file(request: Request, model_id: str, artifact_file_path: str = "") -> Response:
        if not artifact_file_path:
            raise BadValue('Request must include the "artifact_file_path" query parameter.')
        workspace, asked = await naming.of(request), safe_path(artifact_file_path)
        path = artifact_path(await find_root(workspace, model_id), asked)
        return await sent(request, shelf, await shelf.find(workspace, path), path.rpartition("/")[2])
