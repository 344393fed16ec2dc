"""Puts tracking together: the only place that knows concrete classes."""

from fastapi import APIRouter, FastAPI

from murmur_kernel.bus import Sink, Source
from murmur_kernel.errors import Missing
from murmur_kernel.service import Service
from murmur_kernel.store import Store
from murmur_tracking import api, artifacts_api, views
from murmur_tracking.consumers import SUBSCRIPTIONS
from murmur_tracking.domain.refusals import no_run
from murmur_tracking.mlflow_api import about, artifacts
from murmur_tracking.mlflow_api.artifacts.tidying import tidied
from murmur_tracking.repository import KINDS, TrackingUnitOfWork
from murmur_tracking.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as it runs: SQLite and Kafka, as the settings say."""
    _, app = build(settings or Settings())
    return app


def build(
    settings: Settings, *, store: Store | None = None, sink: Sink | None = None, source: Source | None = None
) -> tuple[Service[TrackingUnitOfWork], FastAPI]:
    """The service over any store and any broker: tests pass the fakes."""
    service = Service(
        "tracking",
        settings,
        unit_of_work=TrackingUnitOfWork,
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        store=store,
        sink=sink,
        source=source,
    )
    return service, service.app(title="Tracking", routers=[api.router(service), *_artifact_routers(service, settings)])


def _artifact_routers(service: Service[TrackingUnitOfWork], settings: Settings) -> list[APIRouter]:
    service.resource(tidied(service.artifacts))
    names = artifacts.open_names(settings.artifacts_url)
    shelf = artifacts.Shelf(service.artifacts, names, largest=settings.largest_artifact, clock=service.clock)

    async def find_root(workspace: str, run_id: str) -> str:
        """Of a run of the trainer's, which is in the default workspace."""
        try:
            run = await service.read(views.show_run, run_id)
        except Missing:
            raise no_run(run_id) from None
        return f"mlflow-artifacts:/workflows/{run.workflow}/{run_id}/artifacts"

    return [artifacts_api.router(shelf, find_root), about.router(), artifacts.router(shelf, find_root)]
