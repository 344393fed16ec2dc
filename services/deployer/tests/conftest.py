"""The deployer over a real unit of work, with fake model servers and a fake front door."""

import asyncio
import random
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from murmur_deployer.canaries import Canaries
from murmur_deployer.candidates import Candidates
from murmur_deployer.consumers import SUBSCRIPTIONS
from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.envoy.router import EnvoyRouter
from murmur_deployer.handlers import ROLLOUT
from murmur_deployer.local.servers import LocalModelServers
from murmur_deployer.ports import ModelServers, Router
from murmur_deployer.proving import Prover
from murmur_deployer.reconciler import Reconciler
from murmur_deployer.repository import DEPLOYMENTS, KINDS, DeployerUnitOfWork, StoredFleet
from murmur_deployer.rollbacks import ROLLBACK, Rollbacks
from murmur_deployer.rollouts import CANARY, Rollouts
from murmur_deployer.scaler import Scaler
from murmur_deployer.switching import Switch
from murmur_deployer.testing import FakeModelServers, FakeRouter, promoted, version_state, workflow_applied
from murmur_deployer.turns import Turns
from murmur_events import Event
from murmur_events.models import VersionState
from murmur_events.values import ColumnSpec, Signature
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.consuming import Outcome
from murmur_kernel.jobs import JobKind
from murmur_kernel.testing import STORES, Harness, StoreName
from murmur_runtime import envoy
from murmur_runtime.home import Home
from murmur_runtime.ports import taken
from murmur_runtime.settings import FlockSettings


class DeployerHarness:
    """What tests speak to; `switching` is the lock that guards changes of routes."""

    def __init__(
        self,
        store: StoreName,
        artifacts: ArtifactStore,
        *,
        servers: ModelServers | None = None,
        router: Router | None = None,
        start_seconds: float = 0.3,
        patience: float = 0.0,
    ) -> None:
        self.artifacts = artifacts
        self.servers = servers or FakeModelServers()
        self.router = router or FakeRouter()
        self.swaps = 0
        switching = asyncio.Lock()
        prover = Prover(self.servers, artifacts, seconds=start_seconds)
        switch = Switch(self.router, switching)
        shared = {"turns": defaultdict(asyncio.Lock).__getitem__, "swapped": self._swapped}
        rollouts = Rollouts(Candidates(self.servers, prover, switching), switch, **shared)
        rollbacks = Rollbacks(rollouts, **shared)
        self.between_looks = self._a_second
        canaries = Canaries(self.servers, switch, **shared, pause=lambda seconds: self.between_looks(seconds))
        self.kernel = Harness(
            DeployerUnitOfWork,
            kinds=KINDS,
            subscriptions=SUBSCRIPTIONS,
            jobs={
                ROLLOUT: JobKind(rollouts.run, max_attempts=3, exhausted=rollouts.exhausted),
                ROLLBACK: JobKind(rollbacks.run, max_attempts=3, exhausted=rollbacks.exhausted),
                CANARY: JobKind(canaries.run, max_attempts=3, exhausted=canaries.exhausted),
            },
            store=store,
            service="deployer",
        )
        fleet = StoredFleet(read=self.kernel.read, change=self.kernel.change)
        self.scaler = Scaler(
            fleet,
            self.router,
            switching=switching,
            scaled=self._swapped,
            now=lambda: self.kernel.clock.now().timestamp(),
        )
        self.reconciler = Reconciler(
            fleet,
            self.servers,
            self.router,
            prover,
            self.kernel.clock,
            passing=asyncio.Lock(),
            switching=switching,
            patience=patience,
            drain=timedelta(seconds=30),
        )

    async def _a_second(self, seconds: float) -> None:
        """Between two looks at a canary; tests put here what happens meanwhile."""
        self.kernel.clock.advance(seconds)

    async def apply(self, *, revision: int = 1, **deployment: Any) -> None:
        """The workflow is applied with this section `deployment`."""
        await self.kernel.receives(workflow_applied(revision=revision, **deployment))

    async def reconcile(self) -> bool:
        """Sizes are decided, and then a pass of the reconciler."""
        await self.scaler.look()
        return await self.reconciler.reconcile()

    def _swapped(self) -> None:
        self.swaps += 1

    async def version(self, number: int) -> VersionState:
        return await version_state(self.artifacts, version=number)

    async def promote(self, number: int, *, alias_revision: int | None = None) -> Outcome:
        """The promotion is received; its rollout has not begun."""
        return await self.kernel.receives(promoted(await self.version(number), alias_revision=alias_revision or number))

    async def deploy(self, number: int) -> list[Event]:
        """From the promotion to the fact that ends it."""
        await self.promote(number)
        await self.kernel.run_jobs()
        return self.kernel.take_published()

    async def deployment(self) -> Deployment:
        found = await self.kernel.get(DEPLOYMENTS, "credit")
        assert found is not None
        return found


@pytest.fixture
def real_deployer(artifacts: ArtifactStore) -> Callable[[ModelServers, Router], DeployerHarness]:
    """The same over real model servers and a real front door; to be entered by the test."""
    return lambda servers, router: DeployerHarness(
        "sqlite", artifacts, servers=servers, router=router, start_seconds=40, patience=20
    )


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(f"file://{tmp_path}/artifacts")


@pytest.fixture(params=STORES)
async def deployer(request: pytest.FixtureRequest, artifacts: ArtifactStore) -> AsyncIterator[DeployerHarness]:
    harness = DeployerHarness(request.param, artifacts)
    async with harness.kernel:
        await harness.apply()
        yield harness


def free_flock() -> int:
    """A front door with 200 ports below those that the system gives to outgoing connections."""
    return next(
        first
        for first in random.sample(range(12_000, 32_000, 200), 100)
        if not any(map(_taken, range(first, first + 8)))
    )


def _taken(port: int) -> bool:
    return taken("127.0.0.1", port)


@dataclass(frozen=True)
class FrontDoor:
    """A real Envoy with the platform's own configuration, and no service behind it."""

    settings: FlockSettings
    home: Home
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return self.settings.front_door

    def router(self, http: httpx.AsyncClient, *, seconds: float = 5.0) -> EnvoyRouter:
        return EnvoyRouter(self.home.envoy, http, admin=self.settings.envoy_admin, seconds=seconds)


@pytest.fixture
def front_door(tmp_path: Path) -> Iterator[FrontDoor]:
    settings = FlockSettings(home=tmp_path / "flock", port=free_flock())
    home = Home(settings.home)
    home.create()
    envoy.prepare(settings, home, [envoy.Upstream("console", settings.ports.service("console"), "/")])
    with home.log("envoy").open("wb") as log:
        process = subprocess.Popen(envoy.command(home), stdout=log, stderr=log)
    yield FrontDoor(settings, home, process)
    process.kill()
    process.wait()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture
async def local_servers(
    tmp_path: Path, artifacts: ArtifactStore, http: httpx.AsyncClient
) -> AsyncIterator[Callable[[], LocalModelServers]]:
    """Each call is another deployer's view of the same machine."""
    first = free_flock() + 100

    def deployer_life() -> LocalModelServers:
        return LocalModelServers(
            artifacts,
            http,
            replicas=tmp_path / "flock" / "replicas",
            predictions=tmp_path / "flock" / "predictions",
            logs=tmp_path / "flock" / "logs",
            brokers=None,
            host="127.0.0.1",
            ports=range(first, first + 100),
            turns=Turns(tmp_path / "flock" / "turns"),
        )

    yield deployer_life
    servers = deployer_life()
    for name in await servers.names():
        await servers.stop(Replica(name, "credit", 0, 0, 0))


@dataclass(frozen=True)
class Trained:
    """A real model as the trainer would store it: the file, its signature, and a probe with its outputs."""

    model: bytes
    signature: Signature
    probe: dict[str, Any]


@pytest.fixture(scope="session")
def trained() -> Callable[[int], Trained]:
    """One model a seed."""

    def train(seed: int) -> Trained:
        import xgboost  # 3 s, for the tests that need a real model only

        draw = np.random.default_rng(seed)
        rows = draw.normal(size=(200, 2))
        data = xgboost.DMatrix(rows, label=(rows[:, 0] > 0).astype(int), feature_names=["a", "b"])
        booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 5)
        asked = rows[:3]
        request = {"inputs": [{"name": "x", "shape": [3, 2], "datatype": "FP64", "data": asked.ravel().tolist()}]}
        outputs = booster.predict(xgboost.DMatrix(asked, feature_names=["a", "b"])).tolist()
        signature = Signature(inputs=(ColumnSpec(name="a"), ColumnSpec(name="b")))
        return Trained(bytes(booster.save_raw("ubj")), signature, {"request": request, "outputs": outputs})

    return train
