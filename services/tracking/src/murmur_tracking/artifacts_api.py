"""The artifacts of a run, with the digests of their bytes: for pages and scripts that compare or verify them."""

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, Field

from murmur_kernel.auth import Role, allows
from murmur_tracking.mlflow_api.artifacts import Entry, FindRoot, Shelf, artifact_path
from murmur_tracking.mlflow_api.workspaces import Workspaces


class ArtifactView(BaseModel):
    """A folder has a name and nothing else."""

    path: str = Field(description="from the top of the run's artifacts")
    is_folder: bool
    size: int | None = Field(default=None, description="bytes")
    sha256: str | None = None
    uri: str | None = Field(default=None, description="where the platform's artifact store keeps the bytes")
    at: AwareDatetime | None = Field(default=None, description="when the name was given")


class ArtifactList(BaseModel):
    root: str
    items: list[ArtifactView]


def router(shelf: Shelf, find_root: FindRoot, naming: Workspaces) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["tracking"])

    @api.get("/runs/{run_id}/artifacts", dependencies=[allows(Role.VIEWER)])
    async def list_run_artifacts(request: Request, run_id: str, path: str = "") -> ArtifactList:
        """One folder of them, by name; none where there is no such folder."""
        workspace = await naming.looked_up(request)
        root = await find_root(workspace, run_id)
        folder = artifact_path(root, path)
        within = folder.removeprefix(artifact_path(root)).lstrip("/")
        entries = await shelf.entries(workspace, folder)
        return ArtifactList(root=root, items=[_view(entry, within) for entry in entries])

    return api


def _view(entry: Entry, within: str) -> ArtifactView:
    path = f"{within}/{entry.name}" if within else entry.name
    if entry.claim is None:
        return ArtifactView(path=path, is_folder=True)
    claim = entry.claim
    return ArtifactView(path=path, is_folder=False, size=claim.size, sha256=claim.sha256, uri=claim.uri, at=claim.at)
