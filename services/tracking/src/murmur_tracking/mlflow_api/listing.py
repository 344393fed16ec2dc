"""MLflow's call for the files of a run."""

from murmur_kernel.auth import Role
from murmur_kernel.service import Service
from murmur_mlflow.door import Call, Endpoint
from murmur_tracking import client_runs
from murmur_tracking.client_runs import RunOf
from murmur_tracking.mlflow_api.artifacts import Shelf, list_artifacts
from murmur_tracking.mlflow_api.shapes import Json
from murmur_tracking.repository import TrackingUnitOfWork


class ListingCalls:
    def __init__(self, service: Service[TrackingUnitOfWork], shelf: Shelf) -> None:
        self._service = service
        self._shelf = shelf

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return (Endpoint(("GET",), "/artifacts/list", Role.VIEWER, self.list_files),)

    async def list_files(self, call: Call) -> Json:
        run_id = call.fields.text("run_id") or call.fields.text("run_uuid")
        if not run_id:
            raise call.fields.missing("run_id")
        root = await self._service.read(client_runs.artifact_root, RunOf(call.workspace, run_id))
        files = await list_artifacts(self._shelf, call.workspace, root, call.fields.text("path"))
        return {"root_uri": root, **({"files": files} if files else {})}
