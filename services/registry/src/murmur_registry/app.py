"""Puts the registry together: the only place that knows concrete classes."""

from functools import partial

from fastapi import FastAPI

from murmur_kernel.bus import Sink, Source
from murmur_kernel.jobs import JobKind, Jobs
from murmur_kernel.service import Service
from murmur_kernel.store import Store, open_store
from murmur_mlflow.hearing import Hearing
from murmur_mlflow.refusals import NotHeard
from murmur_registry import api, by_hand_api, jobs
from murmur_registry.consumers import subscriptions
from murmur_registry.domain.refusals import Invalid, NotAllowed, NotPossible, NotThere, Taken
from murmur_registry.domain.reviews import ReviewNotPossible
from murmur_registry.handlers import Handlers
from murmur_registry.mlflow_api.calls import Desk
from murmur_registry.mlflow_api.routes import mlflow_routes
from murmur_registry.pointing import Pointing
from murmur_registry.repository import KINDS, RegistryUnitOfWork
from murmur_registry.reviews import Reviews
from murmur_registry.settings import Settings
from murmur_registry.webhooks import api as webhooks_api
from murmur_registry.webhooks.announcing import DELIVER
from murmur_registry.webhooks.delivering import Delivering
from murmur_registry.webhooks.reaching import Reach
from murmur_registry.webhooks.sending import HttpSender

JOBS: Jobs[RegistryUnitOfWork] = {
    jobs.VERDICT_OVERDUE: jobs.mark_verdict_overdue,
    jobs.REVIEW_OVERDUE: jobs.mark_review_overdue,
    jobs.ROLLOUT_OVERDUE: jobs.mark_rollout_overdue,
    jobs.ROLLBACK_OVERDUE: jobs.mark_rollback_overdue,
}


def jobs_with(delivering: Delivering) -> Jobs[RegistryUnitOfWork]:
    """A webhook that answers slowly holds one of its slots, and nobody else's."""
    return {**JOBS, DELIVER: JobKind(delivering.deliver, slots=8)}


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as it runs: SQLite and Kafka, as the settings say."""
    _, app = build(settings or Settings())
    return app


def build(
    settings: Settings, *, store: Store | None = None, sink: Sink | None = None, source: Source | None = None
) -> tuple[Service[RegistryUnitOfWork], FastAPI]:
    """The service over any store and any broker: tests pass the fakes."""
    handlers = Handlers(
        verdict_due=settings.verdict_due, review_due=settings.review_due, rollout_due=settings.rollout_due
    )
    reach = Reach(settings.webhook_reach)
    sender = HttpSender(reach, seconds=settings.webhook_seconds)
    store = store or open_store(settings.store_url("registry"), "registry")
    hearing = Hearing(settings.hearsay_seconds, shared=store.shared)
    service = Service(
        "registry",
        settings,
        unit_of_work=partial(RegistryUnitOfWork, heard=hearing.heard),
        kinds=KINDS,
        subscriptions=subscriptions(handlers),
        jobs=jobs_with(Delivering(sender, settings.webhook_patience)),
        store=store,
        sink=sink,
        source=source,
    )
    reviews = Reviews(handlers)
    pointing = Pointing(handlers, reviews)
    app = service.app(
        title="Registry",
        routers=[
            api.router(service, reviews),
            by_hand_api.router(service, pointing, hearing),
            webhooks_api.router(service, reach, sender),
        ],
        problems={ReviewNotPossible: 409, **REFUSALS},
    )
    app.router.routes[:0] = mlflow_routes(Desk(service, pointing, hearing))  # first, since a client asks once a step
    return service, app


REFUSALS: dict[type[Exception], int] = {
    Invalid: 422,
    NotThere: 404,
    NotHeard: 404,
    Taken: 409,
    NotAllowed: 403,
    NotPossible: 409,
}
