"""What pages and scripts of people who experiment ask: experiments, runs found by the search language, known names."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from murmur_kernel.auth import Role, allows
from murmur_kernel.service import Service
from murmur_kernel.web import problem
from murmur_search import RUNS, FilterRefused, SearchRefused, parse_filter, parse_order
from murmur_search.paging import RunQuery
from murmur_tracking import finding
from murmur_tracking.domain import workspaces
from murmur_tracking.experiments import ExperimentOf
from murmur_tracking.mlflow_api.workspaces import Workspaces
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.research_schemas import (
    ExperimentList,
    FoundRunPage,
    KeysView,
    experiment_view,
    found_run_view,
    keys_view,
)

Limit = Annotated[int, Query(ge=1, le=500, description="items a page")]
Experiments = Annotated[list[str], Query(min_length=1, max_length=20, description="their ids")]
Orders = Annotated[list[str], Query(max_length=10, description="such as `metrics.auc DESC`; the latest first if none")]
Lifecycle = Literal["active", "deleted", "all"]


def router(service: Service[TrackingUnitOfWork], naming: Workspaces) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["research"])

    @api.get("/experiments", dependencies=[allows(Role.VIEWER)])
    async def list_experiments(request: Request) -> ExperimentList:
        """All of the workspace that X-Murmur-Workspace names, the one with the newest run first."""
        found = await service.read(finding.list_experiments, await naming.asked(request))
        return ExperimentList(items=[experiment_view(one, count) for one, count in found])

    @api.get("/experiments/{experiment}/keys", dependencies=[allows(Role.VIEWER)])
    async def list_keys(request: Request, experiment: str) -> KeysView:
        """Names of parameters, metrics and tags that its runs have, up to 500 of each: for columns and completion."""
        which = ExperimentOf(await naming.asked(request), experiment)
        return keys_view(await service.read(finding.list_keys, which))

    @api.get("/runs/search", response_model=FoundRunPage, dependencies=[allows(Role.VIEWER)])
    async def search_runs(
        request: Request,
        experiment: Experiments,
        filter: Annotated[str, Query(max_length=20_000, description="as in MLflow, and more")] = "",
        order_by: Orders = [],  # noqa: B006  # FastAPI copies it
        lifecycle: Lifecycle = "active",
        limit: Limit = 50,
        token: Annotated[str | None, Query(description="`next` of the page before")] = None,
    ) -> FoundRunPage | JSONResponse:
        """Runs by the search language. A mistake is a problem whose `position` and `end` are offsets in `text`."""
        workspace = await naming.asked(request)
        try:
            query = RunQuery(
                experiments=tuple(workspaces.reference(one, workspace) for one in experiment),
                orders=RUNS.complete(parse_order(order_by, RUNS)),
                filter=parse_filter(filter, RUNS),
                workspace=workspace,
                lifecycle=None if lifecycle == "all" else lifecycle,
                limit=limit,
                token=token,
            )
            found = await service.read(finding.find_runs, query)
        except FilterRefused as error:
            return _pointed(error)
        except SearchRefused as error:
            return problem(400, type(error).__name__, str(error))
        return FoundRunPage(items=[found_run_view(run) for run in found.runs], next=found.next_token)

    return api


def _pointed(error: FilterRefused) -> JSONResponse:
    detail = f"{error.reason} {error.hint}".rstrip()
    place = {"position": error.position, "end": error.end, "line": error.line, "column": error.column}
    return problem(400, type(error).__name__, detail, text=error.text, **place)
