"""Puts the deployer together: the only module here that knows concrete classes."""

import asyncio
from datetime import timedelta
from functools import partial

import httpx
from fastapi import FastAPI

from murmur_deployer import api
from murmur_deployer.consumers import SUBSCRIPTIONS
from murmur_deployer.envoy.router import EnvoyRouter
from murmur_deployer.handlers import ROLLOUT
from murmur_deployer.jobs import Rollouts
from murmur_deployer.local.servers import LocalModelServers
from murmur_deployer.reconciler import Reconciler
from murmur_deployer.repository import KINDS, DeployerUnitOfWork, StoredFleet
from murmur_deployer.settings import Settings
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.commands import Done
from murmur_kernel.jobs import JobKind
from murmur_kernel.service import Service


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    artifacts = ArtifactStore(settings.artifacts_url)
    http = httpx.AsyncClient(timeout=5.0, trust_env=False)
    servers = LocalModelServers(
        artifacts,
        http,
        replicas=settings.replicas,
        predictions=settings.predictions,
        logs=settings.logs,
        brokers=settings.serving_access,
        tokens=settings.tokens_file,
        host=settings.host,
        ports=settings.model_server_ports,
    )
    router = EnvoyRouter(
        settings.envoy, http, admin=settings.envoy_admin, host=settings.host, seconds=settings.route_seconds
    )
    switching = asyncio.Lock()
    rollouts = Rollouts(
        servers,
        router,
        artifacts,
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
        switching=switching,
        drain=timedelta(seconds=settings.drain_seconds),
    )
    service.resource(http)
    service.background("reconciler", reconciler.run)
    return service.app(title="Deployer", routers=[api.router(service)])
