"""The door for those who lay runs side by side."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from murmur_kernel.auth import Role, allows
from murmur_kernel.service import Service
from murmur_tracking import comparing
from murmur_tracking.comparing import CompareRuns
from murmur_tracking.comparison_schemas import ComparisonView
from murmur_tracking.keepsakes import KeepsakesOfRuns
from murmur_tracking.mlflow_api.workspaces import Workspaces
from murmur_tracking.repository import TrackingUnitOfWork

MOST_RUNS = 100


def router(service: Service[TrackingUnitOfWork], keepsakes: KeepsakesOfRuns, naming: Workspaces) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["tracking"])

    @api.get("/compare", dependencies=[allows(Role.VIEWER)], response_model=ComparisonView)
    async def compare(
        request: Request,
        run: Annotated[
            list[str], Query(min_length=1, max_length=MOST_RUNS, description="run ids, in the order wanted")
        ],
        histories: Annotated[
            list[str], Query(default_factory=list, max_length=20, description="metrics whose curves are wanted")
        ],
        samples: Annotated[int, Query(ge=2, le=2500, description="about so many steps of each curve")] = 300,
        files: Annotated[bool, Query(description="read the files of their environments and their code, too")] = False,
    ) -> Response:
        """Runs side by side: parameters that differ first, then metrics, then all else that may explain them.

        All of the workspace that X-Murmur-Workspace names.
        """
        workspace = await naming.asked(request)
        query = CompareRuns(workspace=workspace, run_ids=tuple(run), histories=tuple(histories), samples=samples)
        compared = await service.read(comparing.compare_runs, query)
        view = compared.view
        if files:
            view = comparing.with_files(view, await keepsakes.of(compared.runs))
        return Response(view.model_dump_json(), media_type="application/json")  # made here: it needs no second check

    return api
