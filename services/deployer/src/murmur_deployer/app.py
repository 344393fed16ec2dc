"""Puts the deployer together: the only module here that knows concrete classes."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypedDict

import httpx
from fastapi import FastAPI

from murmur_deployer import api, live, scraping
from murmur_deployer.batches import api as batches_api
from murmur_deployer.batches.asking import SCORING
from murmur_deployer.batches.chunks import Manners
from murmur_deployer.batches.files import BatchFiles
from murmur_deployer.batches.ports import Scorer
from murmur_deployer.batches.replica import LocalScorer
from murmur_deployer.batches.scoring import Scoring
from murmur_deployer.batches.spool import Spool
from murmur_deployer.canaries import Canaries
from murmur_deployer.candidates import Candidates
from murmur_deployer.consumers import SUBSCRIPTIONS
from murmur_deployer.envoy.router import EnvoyRouter
from murmur_deployer.handlers import ROLLOUT
from murmur_deployer.local.servers import LocalModelServers
from murmur_deployer.ports import ModelServers, Router
from murmur_deployer.proving import Prover
from murmur_deployer.reconciler import Reconciler
from murmur_deployer.repository import KINDS, DeployerUnitOfWork, StoredFleet
from murmur_deployer.rollbacks import ROLLBACK, RollbackNotPossible, Rollbacks
from murmur_deployer.rollouts import CANARY, Rollouts
from murmur_deployer.scaler import Scaler
from murmur_deployer.settings import Settings
from murmur_deployer.switching import Switch
from murmur_deployer.turns import Turn, Turns
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.bus import Sink, Source
from murmur_kernel.commands import Done
from murmur_kernel.jobs import JobKind
from murmur_kernel.service import Service
from murmur_kernel.store import Store


class _Shared(TypedDict):
    """What all have in common who change the version of a deployment."""

    turns: Callable[[str], Turn]
    swapped: Callable[[], None]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as it runs: SQLite and Kafka, model servers on this machine, Envoy as the front door."""
    _, app = build(settings or Settings())
    return app


def build(
    settings: Settings,
    *,
    store: Store | None = None,
    sink: Sink | None = None,
    source: Source | None = None,
    servers: ModelServers | None = None,
    router: Router | None = None,
    scorer: Scorer | None = None,
) -> tuple[Service[DeployerUnitOfWork], FastAPI]:
    """The service over any store, broker, model servers and front door: tests pass others."""
    artifacts = ArtifactStore(settings.artifacts_url)
    http = httpx.AsyncClient(timeout=5.0, trust_env=False)
    turns = Turns(settings.turns)
    servers = servers or LocalModelServers(
        artifacts,
        http,
        replicas=settings.replicas,
        predictions=settings.predictions,
        logs=settings.logs,
        brokers=settings.serving_access,
        tokens=settings.tokens_file,
        host=settings.host,
        ports=settings.model_server_ports,
        turns=turns,
    )
    router = router or EnvoyRouter(
        settings.envoy, http, admin=settings.envoy_admin, host=settings.reachable_host, seconds=settings.route_seconds
    )
    switching = turns("front-door")
    prover = Prover(servers, artifacts, seconds=settings.start_seconds)
    switch = Switch(router, switching)
    shared: _Shared = {
        "turns": lambda deployment: turns(f"rollout-{deployment}"),
        "swapped": lambda: reconciler.wake(),
    }
    rollouts = Rollouts(Candidates(servers, prover, switching), switch, **shared)
    rollbacks = Rollbacks(rollouts, **shared)
    canaries = Canaries(servers, switch, **shared)
    spool = Spool(settings.batches)
    scoring = Scoring(
        scorer or LocalScorer(http, replicas=settings.replicas, host=settings.host),
        artifacts,
        spool,
        chunk_rows=settings.batch_chunk_rows,
        manners=Manners(settings.batch_share, settings.batch_patience_seconds, settings.batch_failed_rows),
    )
    service = Service(
        "deployer",
        settings,
        unit_of_work=DeployerUnitOfWork,
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        jobs={
            ROLLOUT: JobKind(rollouts.run, max_attempts=5, exhausted=rollouts.exhausted),
            SCORING: JobKind(scoring.run, slots=settings.batch_slots, max_attempts=5, exhausted=scoring.exhausted),
            ROLLBACK: JobKind(rollbacks.run, max_attempts=5, exhausted=rollbacks.exhausted),
            CANARY: JobKind(canaries.run, slots=100, max_attempts=5, exhausted=canaries.exhausted),
        },
        store=store,
        sink=sink,
        source=source,
    )
    fleet = StoredFleet(read=service.read, change=partial(service.change, answer=Done))
    scaler = Scaler(fleet, router, switching=switching, scaled=lambda: reconciler.wake())
    reconciler = Reconciler(
        fleet,
        servers,
        router,
        prover,
        service.clock,
        passing=turns("reconciler"),
        switching=switching,
        drain=timedelta(seconds=settings.drain_seconds),
        hold=timedelta(seconds=settings.batch_hold_seconds),
    )
    service.resource(http)
    service.background("reconciler", reconciler.run)
    service.background("scaler", scaler.run, exclusive=True)
    files = BatchFiles(artifacts, spool, service.clock, largest=settings.batch_input_bytes)
    routers = [
        api.router(service),
        live.router(service, servers),
        batches_api.router(service, files),
        scraping.router(service, settings.reachable_host),
    ]
    problems = {**batches_api.PROBLEMS, RollbackNotPossible: 409}
    return service, service.app(title="Deployer", routers=routers, problems=problems)
