"""The rollout of one promotion, from the model file to the fact that ends it."""

from collections.abc import Callable
from contextlib import suppress

import structlog

from murmur_deployer.candidates import Candidates
from murmur_deployer.domain.deployment import Deployment, FailureCause, RolloutFailed, Target
from murmur_deployer.domain.routing import routing_table
from murmur_deployer.ports import RouteNotApplied, Router
from murmur_deployer.repository import DeployerUnitOfWork, release_id
from murmur_deployer.turns import Turn
from murmur_events.base import DeploymentName, ModelName
from murmur_events.deployments import DeploymentFailed, ModelDeployed
from murmur_events.models import VersionState
from murmur_kernel.jobs import Job

log = structlog.get_logger()


class Rollouts:
    """Runs rollouts: one at a time for a deployment, and one change of routes at a time for all of them."""

    def __init__(
        self,
        candidates: Candidates,
        router: Router,
        *,
        turns: Callable[[str], Turn],
        switching: Turn,
        swapped: Callable[[], None],
    ) -> None:
        """turns: held by whoever rolls out a deployment of that name.
        switching: held while routes are changed and the change is recorded.
        swapped: called when replicas retire.
        """
        self._candidates = candidates
        self._router = router
        self._switching = switching
        self._swapped = swapped
        self._turns = turns

    async def run(self, job: Job[DeployerUnitOfWork]) -> None:
        """Ends in model.deployed or deployment.failed; raises Transient to be called again."""
        name, target = _asked(job)
        async with self._turns(name):
            try:
                state = await self._begin(job, name, target)
                with job.step("start replicas", version=state.version):
                    await self._candidates.prepare(job, name, state)
                with job.step("switch routes"):
                    await self._switch(job, name, target, state)
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

    async def _switch(self, job: Job[DeployerUnitOfWork], name: str, target: Target, state: VersionState) -> None:
        """The front door leads to the candidate, and that is recorded and told; or all is as before."""
        async with self._switching, job.unit_of_work(completes=True) as uow:
            deployments = {each.name: each for each in await uow.all_deployments()}
            deployment = deployments[name]
            _still_wanted(deployment, target)
            swapped = deployment.swapped(uow.now)
            try:
                await self._router.apply(routing_table((deployments | {name: swapped}).values(), await uow.all_rules()))
            except RouteNotApplied as error:
                raise RolloutFailed("route_not_applied", str(error)) from error
            uow.deployments.save(swapped)
            uow.publish(deployed(swapped, state, replaces=deployment.serving.version if deployment.serving else None))
        log.info("model deployed", deployment=name, version=state.version)

    async def _fail(
        self, job: Job[DeployerUnitOfWork], name: str, target: Target, cause: FailureCause, message: str
    ) -> None:
        """Nothing half-done stays: no route leads to the candidate, and it is gone, before the fact is told."""
        async with self._switching, job.unit_of_work() as uow:
            candidate = (await uow.deployments.require(name)).candidate
            if candidate is not None:
                with suppress(RouteNotApplied):  # the reconciler says it again until the front door hears it
                    await self._router.apply(routing_table(await uow.all_deployments(), await uow.all_rules()))
        if candidate is not None:
            await self._candidates.remove(candidate)
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


def deployed(deployment: Deployment, state: VersionState, *, replaces: int | None) -> ModelDeployed:
    """What serves now, as it is told."""
    assert deployment.serving is not None
    names = tuple(replica.name for replica in deployment.serving.replicas)
    return ModelDeployed(
        deployment=DeploymentName(deployment.name),
        model=state.model,
        version=state.version,
        replaces=replaces,
        replica=names[0],
        replicas=names,
        endpoint=deployment.endpoint,
        state=state,
    )


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
