"""The rollout of one promotion, from the model file to the fact that ends it."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from murmur_deployer.domain.deployment import Deployment, FailureCause, Replica, RolloutFailed, Target, ports_in_use
from murmur_deployer.domain.probe import mismatch
from murmur_deployer.domain.routing import routing_table
from murmur_deployer.ports import Artifacts, ModelServers, ProbeRefused, RouteNotApplied, Router
from murmur_deployer.repository import DeployerUnitOfWork, release_id
from murmur_deployer.turns import Turn
from murmur_events.base import DeploymentName, ModelName
from murmur_events.deployments import DeploymentFailed, ModelDeployed
from murmur_events.models import VersionState
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing
from murmur_kernel.jobs import Job

_LOOK_EVERY = 0.1

log = structlog.get_logger()


class Rollouts:
    """Runs rollouts: one at a time for a deployment, and one change of routes at a time for all of them.

    An attempt that follows a crash takes up the candidate of the one before it if that still lives, since the front
    door may lead to it already.
    """

    def __init__(
        self,
        servers: ModelServers,
        router: Router,
        artifacts: Artifacts,
        *,
        turns: Callable[[str], Turn],
        switching: Turn,
        swapped: Callable[[], None],
        seconds: float,
    ) -> None:
        """turns: held by whoever rolls out a deployment of that name.
        switching: held while routes are changed and the change is recorded.
        swapped: called when a replica retires.
        seconds: how long a replica may take from its start to its first right answer.
        """
        self._servers = servers
        self._router = router
        self._artifacts = artifacts
        self._switching = switching
        self._swapped = swapped
        self._seconds = seconds
        self._turns = turns

    async def run(self, job: Job[DeployerUnitOfWork]) -> None:
        """Ends in model.deployed or deployment.failed; raises Transient to be called again."""
        name, target = _asked(job)
        async with self._turns(name):
            try:
                state = await self._begin(job, name, target)
                with job.step("start replica", version=state.version):
                    candidate = await self._start(job, name, state)
                    await self._prove(job, candidate, state)
                with job.step("switch routes"):
                    await self._switch(job, candidate, target, state)
            except RolloutFailed as failure:
                await self._fail(job, name, target, failure.cause, failure.message)
        self._swapped()

    async def exhausted(self, job: Job[DeployerUnitOfWork], error: str) -> None:
        """Every attempt failed or died: the promotion still ends in a fact."""
        name, target = _asked(job)
        async with self._turns(name):
            await self._fail(job, name, target, "did_not_start", f"{job.failures} attempts failed, the last: {error}")
        self._swapped()

    async def _begin(self, job: Job[DeployerUnitOfWork], name: str, target: Target) -> VersionState:
        async with job.unit_of_work() as uow:
            deployment = await uow.deployments.require(name)
            release = await uow.releases.require(release_id(name, target.version))
        _still_wanted(deployment, target)
        return release.state

    async def _start(self, job: Job[DeployerUnitOfWork], name: str, state: VersionState) -> Replica:
        """A candidate with a living process, recorded before it is started."""
        async with job.unit_of_work() as uow:
            left = (await uow.deployments.require(name)).candidate
        if left is not None:
            process = await self._servers.find(left)
            if process is not None and left.version == state.version:
                return replace(left, process=process)
            await self._servers.stop(left)
        async with job.unit_of_work() as uow:
            ports = self._servers.choose_ports(ports_in_use(await uow.all_deployments()))
            decided = (await uow.deployments.require(name)).with_candidate(state.version, ports)
            uow.deployments.save(decided)
        assert decided.candidate is not None
        try:
            process = await self._servers.start(decided.candidate, state)
        except (ArtifactCorrupt, ArtifactMissing) as error:
            raise RolloutFailed("artifact_corrupt", str(error)) from error
        candidate = replace(decided.candidate, process=process)
        async with job.unit_of_work() as uow:
            uow.deployments.save((await uow.deployments.require(name)).with_replica(candidate))
        log.info("replica started", replica=candidate.name, pid=process.pid, port=candidate.http_port)
        return candidate

    async def _prove(self, job: Job[DeployerUnitOfWork], candidate: Replica, state: VersionState) -> None:
        """It answers, and rightly."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._until_ready(candidate)
                with job.step("probe"):
                    await self._probe(candidate, state)
        except TimeoutError:
            raise await self._did_not_start(candidate, f"was not ready within {self._seconds:g} s") from None

    async def _until_ready(self, candidate: Replica) -> None:
        while not await self._servers.ready(candidate):
            if await self._servers.find(candidate) is None:
                raise await self._did_not_start(candidate, "ended before it was ready")
            await asyncio.sleep(_LOOK_EVERY)

    async def _probe(self, candidate: Replica, state: VersionState) -> None:
        try:
            probe = json.loads(await self._artifacts.read_bytes(state.artifacts.probe))
            expected = [float(output) for output in probe["outputs"]]
            answered = await self._servers.probe(candidate, probe["request"])
        except (ArtifactCorrupt, ArtifactMissing) as error:
            raise RolloutFailed("artifact_corrupt", str(error)) from error
        except (ValueError, KeyError, TypeError) as error:
            raise RolloutFailed("artifact_corrupt", f"the probe is no request with outputs: {error!r}") from error
        except ProbeRefused as error:
            raise RolloutFailed("probe_mismatch", f"the replica refused the probe: {error}") from error
        if difference := mismatch(expected, answered):
            raise RolloutFailed("probe_mismatch", difference)

    async def _switch(
        self, job: Job[DeployerUnitOfWork], candidate: Replica, target: Target, state: VersionState
    ) -> None:
        """The front door leads to the candidate, and that is recorded and told; or all is as before."""
        async with self._switching, job.unit_of_work(completes=True) as uow:
            deployments = await uow.all_deployments()
            deployment = next(each for each in deployments if each.name == candidate.deployment)
            _still_wanted(deployment, target)
            try:
                await self._router.apply(routing_table(deployments, candidate=candidate))
            except RouteNotApplied as error:
                raise RolloutFailed("route_not_applied", str(error)) from error
            swapped = deployment.swapped(candidate, uow.now)
            uow.deployments.save(swapped)
            uow.publish(
                ModelDeployed(
                    deployment=DeploymentName(swapped.name),
                    model=state.model,
                    version=state.version,
                    replaces=deployment.serving.version if deployment.serving else None,
                    replica=candidate.name,
                    endpoint=swapped.endpoint,
                    state=state,
                )
            )
        log.info("model deployed", deployment=swapped.name, version=state.version, replica=candidate.name)

    async def _fail(
        self, job: Job[DeployerUnitOfWork], name: str, target: Target, cause: FailureCause, message: str
    ) -> None:
        """Nothing half-done stays: no route leads to the candidate, and it is gone, before the fact is told."""
        async with self._switching, job.unit_of_work() as uow:
            candidate = (await uow.deployments.require(name)).candidate
            if candidate is not None:
                with suppress(RouteNotApplied):  # the reconciler says it again until the front door hears it
                    await self._router.apply(routing_table(await uow.all_deployments()))
        if candidate is not None:
            await self._servers.stop(candidate)
        async with self._switching, job.unit_of_work(completes=True) as uow:
            deployment = await uow.deployments.require(name)
            uow.deployments.save(deployment.failed(target, cause, message, uow.now))
            uow.publish(
                DeploymentFailed(
                    deployment=DeploymentName(name),
                    model=ModelName(name),
                    version=target.version,
                    cause=cause,
                    message=message,
                    still_serving=deployment.serving.version if deployment.serving else None,
                )
            )
        log.warning("deployment failed", deployment=name, version=target.version, cause=cause, reason=message)

    async def _did_not_start(self, candidate: Replica, what: str) -> RolloutFailed:
        words = await self._servers.last_words(candidate)
        return RolloutFailed("did_not_start", f"replica {candidate.name!r} {what}; its log ends with: {words}")


def _asked(job: Job[DeployerUnitOfWork]) -> tuple[str, Target]:
    payload = job.payload
    return payload["deployment"], Target(payload["version"], payload["alias_revision"])


def _still_wanted(deployment: Deployment, target: Target) -> None:
    if deployment.target != target:
        raise RolloutFailed(
            "superseded",
            f"version {deployment.target.version} was promoted later (alias revision"
            f" {deployment.target.alias_revision})",
        )
