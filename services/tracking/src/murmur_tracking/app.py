"""Puts tracking together: the only place that knows concrete classes."""

from functools import partial

from fastapi import FastAPI

from murmur_kernel.bus import Sink, Source
from murmur_kernel.service import Service
from murmur_kernel.store import Store, open_store
from murmur_mlflow.door import unknown
from murmur_mlflow.hearing import Hearing
from murmur_mlflow.refusals import REFUSALS
from murmur_tracking import (
    api,
    artifacts_api,
    client_runs,
    compare_api,
    import_api,
    logged_models,
    research_api,
    share_api,
    workspaces_api,
)
from murmur_tracking.client_runs import RunOf
from murmur_tracking.consumers import SUBSCRIPTIONS
from murmur_tracking.jobs import jobs_of
from murmur_tracking.keepsakes import KeepsakesOfRuns
from murmur_tracking.logged_models import ModelOf
from murmur_tracking.mlflow_api import about, artifacts, model_files
from murmur_tracking.mlflow_api.artifacts.tidying import tidied
from murmur_tracking.mlflow_api.errors import ERRORS
from murmur_tracking.mlflow_api.routes import mlflow_routes
from murmur_tracking.mlflow_api.workspaces import Workspaces
from murmur_tracking.repository import KINDS, TrackingUnitOfWork
from murmur_tracking.search import INDEX
from murmur_tracking.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as it runs: SQLite and Kafka, as the settings say."""
    _, app = build(settings or Settings())
    return app


def build(
    settings: Settings, *, store: Store | None = None, sink: Sink | None = None, source: Source | None = None
) -> tuple[Service[TrackingUnitOfWork], FastAPI]:
    """The service over any store and any broker: tests pass the fakes."""
    names = artifacts.open_names(settings.artifacts_url)
    store = store or open_store(settings.store_url("tracking"), "tracking", INDEX)
    hearing = Hearing(settings.hearsay_seconds, shared=store.shared)
    service = Service(
        "tracking",
        settings,
        unit_of_work=partial(TrackingUnitOfWork, heard=hearing.heard),
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        jobs=jobs_of(names),
        store=store,
        sink=sink,
        source=source,
        index=INDEX,
    )
    service.resource(tidied(service.artifacts))
    shelf = artifacts.Shelf(service.artifacts, names, largest=settings.largest_artifact, clock=service.clock)
    naming = Workspaces(service)
    find_root = partial(_root, service)
    routers = [
        research_api.router(service, naming),  # before the runs by their id: /runs/search is none
        api.router(service),
        compare_api.router(service, KeepsakesOfRuns(service.artifacts, shelf), naming),
        share_api.router(service, naming),
        import_api.router(service, naming),
        workspaces_api.router(service, naming, hearing),
        artifacts_api.router(shelf, find_root, naming),
        about.router(),
        artifacts.router(shelf, find_root, naming),
        model_files.router(shelf, partial(_model_root, service), naming),
    ]
    app = service.app(title="Tracking", routers=routers, problems={one: one.status for one in REFUSALS})
    app.router.routes[:0] = mlflow_routes(service, shelf, naming)  # first, since a client asks once a step
    app.router.routes += unknown(ERRORS)
    return service, app


async def _root(service: Service[TrackingUnitOfWork], workspace: str, run_id: str) -> str:
    """Where a run keeps its artifacts. Raises NoSuchThing."""
    return await service.read(client_runs.artifact_root, RunOf(workspace, run_id))


async def _model_root(service: Service[TrackingUnitOfWork], workspace: str, model_id: str) -> str:
    """Where a logged model keeps its artifacts. Raises NoSuchThing."""
    return await service.read(logged_models.artifact_root, ModelOf(workspace, model_id))
