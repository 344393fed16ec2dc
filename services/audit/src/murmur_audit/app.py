"""Puts audit together: the only place that knows concrete classes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from murmur_audit import api
from murmur_audit.context import Audit
from murmur_audit.inspection import Inspector
from murmur_audit.intake import Intake
from murmur_audit.keeper import Keeper
from murmur_audit.settings import Settings
from murmur_events.catalog import CATALOG
from murmur_kernel.bus import Source
from murmur_kernel.bus.kafka import KafkaSource
from murmur_kernel.clock import Clock, SystemClock
from murmur_kernel.service import Service
from murmur_kernel.store import Store
from murmur_kernel.unit_of_work import UnitOfWork
from murmur_ledger.errors import LedgerFailed

TOPICS = tuple(topic.name for topic in CATALOG)
"""Every topic there is: one that is added to the catalog is recorded from its first record on."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as it runs: a ledger in files, and Kafka."""
    _, app = build(settings or Settings())
    return app


def build(
    settings: Settings,
    *,
    store: Store | None = None,
    source: Callable[[], Source] | None = None,
    clock: Clock | None = None,
) -> tuple[Audit, FastAPI]:
    """The service over any broker: tests pass the fake."""
    clock = clock or SystemClock()
    keeper = Keeper(
        settings.ledger,
        settings.signing_key,
        clock,
        every=settings.audit_checkpoint_entries,
        seconds=settings.audit_checkpoint_seconds,
    )
    intake = Intake(source or _kafka(settings), keeper)
    inspector = Inspector(settings.ledger, clock, every=settings.audit_verify_seconds)
    service: Service[UnitOfWork] = Service(
        "audit", settings, unit_of_work=UnitOfWork, kinds=(), store=store, clock=clock
    )
    service.health.consumer = intake
    service.background("intake", intake.run)
    service.background("inspector", inspector.run)
    service.check("ledger", intake.check)
    service.resource(_closing(keeper))
    audit = Audit(service=service, keeper=keeper, intake=intake, inspector=inspector)
    return audit, service.app(title="Audit", routers=[api.router(audit)], problems={LedgerFailed: 507})


def _kafka(settings: Settings) -> Callable[[], Source]:
    def source() -> Source:
        return KafkaSource(
            settings.broker_access, "murmur-audit", TOPICS, instance=f"audit-{settings.replica}", exact_keys=True
        )

    return source


@asynccontextmanager
async def _closing(keeper: Keeper) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await keeper.close()
