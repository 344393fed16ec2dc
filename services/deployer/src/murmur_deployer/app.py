"""Puts the deployer together: the only module here that knows concrete classes."""

from datetime import timedelta
from functools import partial

import httpx
from fastapi import FastAPI

from murmur_deployer import api, scraping
from murmur_deployer.consumers import SUBSCRIPTIONS
from murmur_deployer.envoy.router import EnvoyRouter
from murmur_deployer.handlers import ROLLOUT
from murmur_deployer.jobs import Rollouts
from murmur_deployer.local.servers import LocalModelServers
from murmur_deployer.ports import ModelServers, Router
from murmur_deployer.reconciler import Reconciler
from murmur_deployer.repository import KINDS, DeployerUnitOfWork, StoredFleet
from murmur_deployer.settings import Settings
from murmur_deployer.turns import Turns
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.commands import Done
from murmur_kernel.jobs import JobKind
from murmur_kernel.service import Service


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as it runs: model servers on this machine, Envoy as the front door."""
    settings = settings or Settings()
    http = httpx.AsyncClient(timeout=5.0, trust_env=False)
    servers = LocalModelServers(
        ArtifactStore(settings.artifacts_url),
        http,
        replicas=settings.replicas,
        predictions=settings.predictions,
        logs=settings.logs,
        brokers=settings.brokers,
        host=settings.host,
        ports=settings.model_server_ports,
    )
    router = EnvoyRouter(
        settings.envoy, http, admin=settings.envoy_admin, host=settings.reachable_host, seconds=settings.route_seconds
    )
    service, app = build(settings, servers=servers, router=router)
    service.resource(http)
    return app


def build(settings: Settings, *, servers: ModelServers, router: Router) -> tuple[Service[DeployerUnitOfWork], FastAPI]:
    """The service over any model servers and any front door."""
    artifacts = ArtifactStore(settings.artifacts_url)
    turns = Turns(settings.turns)
    switching = turns("front-door")
    rollouts = Rollouts(
        servers,
        router,
        artifacts,
        turns=lambda deployment: turns(f"rollout-{deployment}"),
        switching=switching,
        swapped=lambda: reconciler.wake(),
        seconds=settings.start_seconds,
    )
    service = Service(
        "deployer",
        settings,
        unit_of_work=DeployerUnitOfWork,
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        jobs={ROLLOUT: JobKind(rollouts.run, max_attempts=5, exhausted=rollouts.exhausted)},
    )
    reconciler = Reconciler(
        StoredFleet(read=service.read, change=partial(service.change, answer=Done)),
        servers,
        router,
        service.clock,
        passing=turns("reconciler"),
        switching=switching,
        drain=timedelta(seconds=settings.drain_seconds),
    )
    service.background("reconciler", reconciler.run)
    routers = [api.router(service), scraping.router(service, settings.reachable_host)]
    return service, service.app(title="Deployer", routers=routers)
