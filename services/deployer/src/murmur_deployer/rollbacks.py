"""Going back at a person's word: a canary at once, a version that serves to the one that served before it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from murmur_deployer import facts
from murmur_deployer.domain.canary import Wish
from murmur_deployer.domain.deployment import Deployment, RolloutFailed, Target
from murmur_deployer.repository import DeployerUnitOfWork, release_id
from murmur_deployer.rollouts import Rollouts
from murmur_deployer.schemas import DeploymentView, view
from murmur_deployer.switching import Change
from murmur_deployer.turns import Turn
from murmur_kernel.jobs import Job

ROLLBACK = "rollback"


class RollbackNotPossible(Exception):
    """Nothing to go back to, or something is under way."""


@dataclass(frozen=True)
class GoBack:
    deployment: str
    by: str
    reason: str


async def go_back(command: GoBack, uow: DeployerUnitOfWork) -> DeploymentView:
    """A canary is rolled back within a second; otherwise the version that served before is started and led to.

    Ends in deployment.rolled_back, or in deployment.failed where that version cannot serve any more. Raises Missing,
    RollbackNotPossible.
    """
    deployment = await uow.deployments.require(command.deployment)
    if deployment.canary is not None:
        doubted = deployment.unwanted(Wish(command.by, "person", command.reason))
        uow.deployments.save(doubted)
        return view(doubted)
    if deployment.candidate is not None:
        raise RollbackNotPossible(
            f"version {deployment.candidate.version} of {deployment.name!r} is being rolled out: wait for the fact that"
            " ends it"
        )
    if deployment.serving is None or deployment.previous is None:
        raise RollbackNotPossible(
            f"nothing is known that served as {deployment.name!r} before: promote the version that you want"
        )
    uow.deployments.save(deployment)  # of two who ask at once, the second sees what the first has done
    uow.enqueue(
        ROLLBACK,
        job_id=f"{ROLLBACK}/{deployment.name}/{deployment.replicas_made}",
        payload={
            "deployment": deployment.name,
            "version": deployment.previous,
            "alias_revision": deployment.target.alias_revision,
            "from": deployment.serving.version,
            "by": command.by,
            "reason": command.reason,
        },
    )
    return view(deployment)


class Rollbacks:
    """Carries out what `go_back` has decided."""

    def __init__(self, rollouts: Rollouts, *, turns: Callable[[str], Turn], swapped: Callable[[], None]) -> None:
        self._rollouts = rollouts
        self._turns = turns
        self._swapped = swapped

    async def run(self, job: Job[DeployerUnitOfWork]) -> None:
        """Whatever was promoted meanwhile wins: then nothing is rolled back."""
        name, previous = job.payload["deployment"], job.payload["version"]
        async with self._turns(name):
            async with job.unit_of_work() as uow:
                deployment = await uow.deployments.require(name)
                release = await uow.releases.require(release_id(name, previous))
            if not _still_wanted(deployment, job):
                return
            try:
                await self._rollouts.lead_to(job, name, release.state, _to_previous(job))
            except RolloutFailed as failure:
                target = Target(previous, deployment.target.alias_revision)
                await self._rollouts.fail(job, name, target, failure.cause, failure.message)
        self._swapped()

    async def exhausted(self, job: Job[DeployerUnitOfWork], error: str) -> None:
        name = job.payload["deployment"]
        async with self._turns(name):
            target = Target(job.payload["version"], job.payload["alias_revision"])
            message = f"{job.failures} attempts failed, the last: {error}"
            await self._rollouts.fail(job, name, target, "did_not_start", message)
        self._swapped()


def _to_previous(job: Job[DeployerUnitOfWork]) -> Change:
    async def change(before: Deployment, uow: DeployerUnitOfWork) -> Deployment:
        if not _still_wanted(before, job):
            raise RolloutFailed("superseded", "another version was promoted meanwhile")
        reason = job.payload["reason"]
        swapped = replace(before.swapped(uow.now), previous=None).with_failure("rolled_back", reason, uow.now)
        uow.publish(
            facts.rolled_back(
                before,
                version=job.payload["from"],
                serving=job.payload["version"],
                by=job.payload["by"],
                cause="person",
                reason=reason,
            )
        )
        return swapped

    return change


def _still_wanted(deployment: Deployment, job: Job[DeployerUnitOfWork]) -> bool:
    serves = deployment.serving.version if deployment.serving else None
    return (serves, deployment.target.alias_revision) == (job.payload["from"], job.payload["alias_revision"])
