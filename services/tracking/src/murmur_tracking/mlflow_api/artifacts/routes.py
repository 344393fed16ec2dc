"""The endpoints of proxied artifacts: they parse, ask the shelf, answer in MLflow's shape."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from murmur_kernel.auth import Role, allows
from murmur_mlflow.refusals import BadValue, NotOffered
from murmur_tracking.mlflow_api.artifacts.paths import safe_path
from murmur_tracking.mlflow_api.artifacts.proxied import artifact_path, file_info
from murmur_tracking.mlflow_api.artifacts.sending import sent
from murmur_tracking.mlflow_api.artifacts.shelf import Shelf
from murmur_tracking.mlflow_api.errors import MlflowRoute
from murmur_tracking.mlflow_api.workspaces import Workspaces

FindRoot = Callable[[str, str], Awaitable[str]]
"""From a workspace and a run's id to the run's artifact root; raises Refusal for a run that is not known."""

_READS, _WRITES = [allows(Role.VIEWER)], [allows(Role.AUTHOR)]
_LARGEST_FORM = 10 * 2**20
"""Bytes of what the pages of MLflow upload; its server takes no more there."""


def router(shelf: Shelf, find_root: FindRoot, naming: Workspaces) -> APIRouter:
    api = APIRouter(route_class=MlflowRoute, include_in_schema=False)
    for prefix in ("/api", "/ajax-api"):
        _proxy(api, f"{prefix}/2.0/mlflow-artifacts", shelf, naming)

    @api.get("/get-artifact", dependencies=_READS)
    async def get_artifact(request: Request) -> Response:
        """A file of a run, by the run's id."""
        workspace, run_id = await naming.of(request), _run(request, "run_id", "run_uuid")
        asked = safe_path(_asked(request, "path"))
        path = artifact_path(await find_root(workspace, run_id), asked)
        return await sent(request, shelf, await shelf.find(workspace, path), _name(path))

    @api.get("/model-versions/get-artifact", dependencies=_READS)
    @api.get("//model-versions/get-artifact", dependencies=_READS)  # as clients write it behind a slash of their own
    async def get_version_artifact(request: Request) -> Response:
        """Asked by MLflow's pages alone, which are not served here."""
        safe_path(_asked(request, "path"))
        raise NotOffered(
            "a model version's files are read from its source: ask for get-download-uri, and download that"
        )

    @api.post("/ajax-api/2.0/mlflow/upload-artifact", dependencies=_WRITES)
    async def upload_artifact(request: Request) -> Response:
        """A small file into a run, as MLflow's pages send it."""
        workspace = await naming.of(request)
        root, path = _run(request, "run_uuid"), safe_path(_asked(request, "path"))
        announced = _announced(request)
        if announced is not None and announced > _LARGEST_FORM:
            raise BadValue("Artifact size is too large. Max size is 10MB.")
        if not announced:
            raise BadValue("Request must specify data.")
        root = await find_root(workspace, root)
        await shelf.put(workspace, artifact_path(root, path), request.stream(), announced=announced)
        return JSONResponse({})

    return api


def _proxy(api: APIRouter, base: str, shelf: Shelf, naming: Workspaces) -> None:
    @api.get(f"{base}/artifacts", dependencies=_READS)
    async def list_files(request: Request, path: str = "") -> Response:
        entries = await shelf.entries(await naming.of(request), safe_path(path))
        return JSONResponse({"files": [file_info(entry) for entry in entries]} if entries else {})

    @api.get(f"{base}/artifacts/{{path:path}}", dependencies=_READS)
    async def download(request: Request, path: str) -> Response:
        safe = safe_path(path)
        return await sent(request, shelf, await shelf.find(await naming.of(request), safe), _name(safe))

    @api.put(f"{base}/artifacts/{{path:path}}", dependencies=_WRITES)
    async def upload(request: Request, path: str) -> Response:
        workspace, safe = await naming.of(request), safe_path(path)
        if path.endswith("/"):
            raise BadValue(f"a file needs a name, and {path!r} ends in '/': end the path with the name")
        try:
            await shelf.put(workspace, safe, request.stream(), announced=_announced(request))
        except ClientDisconnect:
            return Response(status_code=400)  # to nobody: who sent half a file has gone
        return JSONResponse({})

    @api.delete(f"{base}/artifacts/{{path:path}}", dependencies=_WRITES)
    async def delete(request: Request, path: str) -> Response:
        workspace, safe = await naming.of(request), safe_path(path)
        if not safe:
            raise BadValue("say what to delete: all artifacts of a workspace go with the workspace only")
        await shelf.delete(workspace, safe)
        return JSONResponse({})

    for step in ("create", "complete", "abort"):

        @api.post(f"{base}/mpu/{step}/{{path:path}}", dependencies=_WRITES, name=f"multipart_{step}")
        async def multipart(path: str) -> Response:
            """As a server whose artifacts lie on its own disk answers: clients then send the file in one request."""
            safe_path(path)
            raise NotOffered("Multipart upload is not supported for the current artifact repository")

    @api.get(f"{base}/presigned/{{path:path}}", dependencies=_READS)
    async def presigned(path: str) -> Response:
        safe_path(path)
        raise NotOffered("Multipart download is not supported for the current artifact repository")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _asked(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if not value:
        raise BadValue(f"Request must specify {name}.")
    return value


def _run(request: Request, *names: str) -> str:
    """By the first of the names that is given."""
    return next((value for name in names if (value := request.query_params.get(name))), "") or _asked(request, names[0])


def _announced(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None
