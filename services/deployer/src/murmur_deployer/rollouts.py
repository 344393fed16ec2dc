"""The rollout of one promotion, from the model file to the fact that ends it, or to the canary that goes on with it."""

from collections.abc import Callable

import structlog

from murmur_deployer import facts
from murmur_deployer.candidates import Candidates
from murmur_deployer.domain.canary import Canary
from murmur_deployer.domain.deployment import Deployment, FailureCause, RolloutFailed, Target
from murmur_deployer.domain.promotion import superseded
from murmur_deployer.domain.rules import DeploymentRules
from murmur_deployer.ports import RouteNotApplied
from murmur_deployer.repository import DeployerUnitOfWork, release_id
from murmur_deployer.switching import Change, Switch
from murmur_deployer.turns import Turn
from murmur_events.models import VersionState
from murmur_kernel.errors import Transient
from murmur_kernel.jobs import Job

CANARY = "canary"

log = structlog.get_logger()


class Rollouts:
    """Runs rollouts: one at a time for a deployment."""

    def __init__(
        self,
        candidates: Candidates,
        switch: Switch,
        *,
        turns: Callable[[str], Turn],
        swapped: Callable[[], None],
    ) -> None:
        """turns: held by whoever changes the version of a deployment of that name.
        swapped: called when replicas retire.
        """
        self._candidates = candidates
        self._switch = switch
        self._swapped = swapped
        self._turns = turns

    async def run(self, job: Job[DeployerUnitOfWork]) -> None:
        """Ends in model.deployed, deployment.failed, or canary.started; raises Transient to be called again."""
        name, target = asked(job)
        async with self._turns(name):
            try:
                state = await self._begin(job, name, target)
                await self.lead_to(job, name, state, self._change(target, state))
            except RolloutFailed as failure:
                await self.fail(job, name, target, failure.cause, failure.message)
        self._swapped()

    async def exhausted(self, job: Job[DeployerUnitOfWork], error: str) -> None:
        """Every attempt failed or died: the promotion still ends in a fact."""
        name, target = asked(job)
        async with self._turns(name):
            await self.fail(job, name, target, "did_not_start", f"{job.failures} attempts failed, the last: {error}")
        self._swapped()

    async def lead_to(self, job: Job[DeployerUnitOfWork], name: str, state: VersionState, change: Change) -> None:
        """The version's replicas are proven, then the deployment changes, and the job ends. Raises RolloutFailed."""
        with job.step("start replicas", version=state.version):
            await self._candidates.prepare(job, name, state)
        with job.step("switch routes"):
            try:
                await self._switch.carry_out(job, name, change, completes=True)
            except RouteNotApplied as error:
                raise RolloutFailed("route_not_applied", str(error)) from error
        log.info("routes switched", deployment=name, version=state.version)

    async def fail(
        self, job: Job[DeployerUnitOfWork], name: str, target: Target, cause: FailureCause, message: str
    ) -> None:
        """Nothing half-done stays of this rollout: what was not proven is gone before the fact is told. What was
        retires, since the front door may lead to it. Another's candidate or canary is left alone."""

        async def change(before: Deployment, uow: DeployerUnitOfWork) -> Deployment:
            uow.publish(facts.failed(before, target.version, cause, message))
            return before.failed(target, cause, message, uow.now)

        async with job.unit_of_work() as uow:
            candidate = (await uow.deployments.require(name)).candidate_of(target)
        if candidate is not None:
            await self._candidates.remove_unproven(candidate)
        await self._switch.give_up(job, name, change)
        log.warning("deployment failed", deployment=name, version=target.version, cause=cause, reason=message)

    async def _begin(self, job: Job[DeployerUnitOfWork], name: str, target: Target) -> VersionState:
        async with job.unit_of_work() as uow:
            deployment = await uow.deployments.require(name)
            release = await uow.releases.require(release_id(name, target.version))
        _refuse_superseded(deployment, target)
        if deployment.canary is not None:
            raise Transient(f"the canary of {name!r} gives way first")
        return release.state

    def _change(self, target: Target, state: VersionState) -> Change:
        """To the candidate at once, or to its first share of the requests if it can be compared with what serves."""

        async def change(before: Deployment, uow: DeployerUnitOfWork) -> Deployment:
            _refuse_superseded(before, target)
            rules = await uow.rules_of(before.name)
            if rules.canary.steps and before.serving is not None:
                return _as_canary(before, rules, state, uow)
            swapped = before.swapped(uow.now)
            replaces = before.serving.version if before.serving else None
            uow.publish(facts.deployed(swapped, state, replaces=replaces))
            return swapped

        return change


def _as_canary(before: Deployment, rules: DeploymentRules, state: VersionState, uow: DeployerUnitOfWork) -> Deployment:
    steps = rules.canary.steps
    changed = before.with_canary(Canary(weight=steps[0], began=uow.now, since=uow.now))
    uow.publish(facts.canary_started(changed, state, steps))
    job_id = f"{CANARY}/{before.name}/{before.target.alias_revision}"
    uow.enqueue(CANARY, job_id=job_id, payload=before.target.of(before.name))
    return changed


def asked(job: Job[DeployerUnitOfWork]) -> tuple[str, Target]:
    """The deployment and the target that a job is about, as `Target.of` has put them."""
    payload = job.payload
    return payload["deployment"], Target(payload["version"], payload["alias_revision"])


def _refuse_superseded(deployment: Deployment, target: Target) -> None:
    if deployment.target != target:
        raise RolloutFailed("superseded", superseded(deployment.target))
