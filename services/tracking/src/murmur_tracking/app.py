"""Puts tracking together: the only place that knows concrete classes."""

from fastapi import FastAPI

from murmur_kernel.bus import Sink, Source
from murmur_kernel.service import Service
from murmur_kernel.store import Store
from murmur_tracking import api
from murmur_tracking.consumers import SUBSCRIPTIONS
from murmur_tracking.mlflow_api.routes import mlflow_routes
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
    service = Service(
        "tracking",
        settings,
        unit_of_work=TrackingUnitOfWork,
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        store=store,
        sink=sink,
        source=source,
        index=INDEX,
    )
    app = service.app(title="Tracking", routers=[api.router(service)])
    app.router.routes.extend(mlflow_routes(service))
    return service, app
