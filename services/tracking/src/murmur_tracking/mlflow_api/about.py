"""What a client asks of a server before anything else: whether it is there, and what it speaks."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from murmur_kernel.auth import Role, allows, open_to_all
from murmur_tracking.mlflow_api.guarded import GuardedRoute

PROTOCOL = "3.17.2"
"""The release of MLflow whose protocol is spoken here: the newest one that the compatibility suite drives. Scripts
compare it with the client's own version, so it must be a plain number."""

_SERVER_INFO = {
    # Clients tell MLflow's makers which of their stores a server has; this is none of theirs.
    "store_type": None,
    # Workspaces as they name them travel in another header than ours.
    "workspaces_enabled": False,
    "trace_archival_enabled": False,
    # Large files are streamed in one request; a client that asks for parts is told so and sends them that way.
    "multipart_uploads_enabled": False,
    "multipart_downloads_enabled": False,
    "presigned_upload_run_id_supported": False,
    "presigned_upload_model_id_supported": False,
    "features_enabled": {"gateway": False},
}


def router() -> APIRouter:
    api = APIRouter(route_class=GuardedRoute, include_in_schema=False)
    everybody = open_to_all("clients and load balancers ask it before they have shown a token, and it tells no data")

    @api.get("/health", dependencies=[everybody])
    async def health() -> PlainTextResponse:
        """That the door is there. Whether the service can do its work is asked of /readyz."""
        return PlainTextResponse("OK")

    @api.get("/version", dependencies=[everybody])
    async def version() -> PlainTextResponse:
        return PlainTextResponse(PROTOCOL)

    @api.get("/api/3.0/mlflow/server-info", dependencies=[allows(Role.VIEWER)])
    @api.get("/ajax-api/3.0/mlflow/server-info", dependencies=[allows(Role.VIEWER)])
    async def server_info() -> JSONResponse:
        return JSONResponse(_SERVER_INFO)

    return api
