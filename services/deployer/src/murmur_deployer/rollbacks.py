"""Going back at a person's word: a canary at once, a version that serves to the one that served before it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from murmur_deployer import facts
from murmur_deployer.domain.canary import Wish
from murmur_deployer.domain.deployment import Deployment, RolloutFailed, Target
from murmur_deployer.domain.promotion import superseded
from murmur_deployer.repository import DeployerUnitOfWork, release_id
from murmur_deployer.rollouts import Rollouts
from murmur_deployer.schemas import DeploymentView, view
from murmur_deployer.switching import Change
from murmur_deployer.turns import Turn
from murmur_events.registry import RollbackRequested
from murmur_kernel.jobs import Job

ROLLBACK = "rollback"


class RollbackNotPossible(Exception):
    """Nothing to go back to, or something is under way."""


@dataclass(frozen=True)
class GoBack:
    """version: the one that shall go. Of two who ask at once, the second does not go further back than either meant.
    to: where to; None is what served before
    """

    deployment: str
    version: int
    by: str
    reason: str
    to: int | None = None


async def follow_request(event: RollbackRequested, uow: DeployerUnitOfWork) -> None:
    """Asked for at the registry. Where it is not possible, deployment.failed says why: nobody waits for an answer."""
    command = GoBack(event.model, event.version, event.by, event.reason, event.to)
    try:
        await go_back(command, uow)
    except RollbackNotPossible as refusal:
        deployment = await uow.deployments.require(command.deployment)
        uow.publish(facts.failed(deployment, event.version, "superseded", f"not rolled back: {refusal}"))


async def go_back(command: GoBack, uow: DeployerUnitOfWork) -> DeploymentView:
    """From a canary at once; from what serves to the version that served before, which is started and led to.

    Ends in deployment.rolled_back, or in deployment.failed where that version cannot serve any more, or another was
    promoted meanwhile. Raises Missing, RollbackNotPossible.
    """
    deployment = await uow.deployments.require(command.deployment)
    _refuse_others(deployment, command.version)
    serving = deployment.serving.version if deployment.serving else None
    if deployment.canary is not None and command.to not in (None, serving):
        raise RollbackNotPossible(
            f"version {command.version} of {deployment.name!r} is a canary: it goes back to version {serving}, which"
            " serves"
        )
    if deployment.canary is not None:
        doubted = deployment.unwanted(Wish(command.by, "person", command.reason))
        uow.deployments.save(doubted)
        return view(doubted)
    if deployment.candidate is not None:
        raise RollbackNotPossible(
            f"version {deployment.candidate.version} of {deployment.name!r} is being rolled out: wait for the fact that"
            " ends it"
        )
    to = command.to or deployment.previous
    if deployment.serving is None or to is None:
        raise RollbackNotPossible(
            f"nothing is known that served as {deployment.name!r} before: promote the version that you want"
        )
    if await uow.releases.get(release_id(deployment.name, to)) is None or to == serving:
        raise RollbackNotPossible(
            f"version {to} of {deployment.name!r} was never in production, or serves now: name one that served before"
        )
    uow.enqueue(
        ROLLBACK,
        job_id=f"{ROLLBACK}/{deployment.name}/{uow.new_id(ROLLBACK)}",
        payload={
            "deployment": deployment.name,
            "version": to,
            "alias_revision": deployment.target.alias_revision,
            "from": deployment.serving.version,
            "by": command.by,
            "reason": command.reason,
        },
    )
    return view(deployment)


def _refuse_others(deployment: Deployment, version: int) -> None:
    """What the caller has seen must be so still. Raises RollbackNotPossible."""
    canary = deployment.candidate.version if deployment.canary and deployment.candidate else None
    serving = deployment.serving.version if deployment.serving else None
    name = deployment.name
    if version == (serving if canary is None else canary):
        return
    if version == serving:
        raise RollbackNotPossible(
            f"version {canary} of {name!r} is a canary beside version {serving}: roll version {canary} back first"
        )
    serves = "nothing serves" if serving is None else f"version {serving} serves"
    beside = "" if canary is None else f", and version {canary} is its canary"
    raise RollbackNotPossible(
        f"version {version} of {name!r} is not there to go: {serves}{beside}. Look at the deployment, and name the"
        " version that shall go"
    )


class Rollbacks:
    """Carries out what `go_back` has decided."""

    def __init__(self, rollouts: Rollouts, *, turns: Callable[[str], Turn], swapped: Callable[[], None]) -> None:
        self._rollouts = rollouts
        self._turns = turns
        self._swapped = swapped

    async def run(self, job: Job[DeployerUnitOfWork]) -> None:
        """Whatever was promoted meanwhile wins: then nothing is rolled back. Of two who wanted the same version to go,
        the first has brought the fact for both."""
        name, previous = job.payload["deployment"], job.payload["version"]
        async with self._turns(name):
            async with job.unit_of_work() as uow:
                deployment = await uow.deployments.require(name)
                release = await uow.releases.require(release_id(name, previous))
            if not _still_wanted(deployment, job):
                await self._give_up(job)
                return
            try:
                await self._rollouts.lead_to(job, name, release.state, _to_previous(job))
            except RolloutFailed as failure:
                target = Target(previous, deployment.target.alias_revision)
                await self._rollouts.fail(job, name, target, failure.cause, failure.message)
        self._swapped()

    async def _give_up(self, job: Job[DeployerUnitOfWork]) -> None:
        """Nothing was begun yet, so a candidate that is there is another's."""
        async with job.unit_of_work(completes=True) as uow:
            deployment = await uow.deployments.require(job.payload["deployment"])
            previous = job.payload["version"]
            if deployment.serving is None or deployment.serving.version != previous:
                uow.publish(facts.failed(deployment, previous, "superseded", superseded(deployment.target)))

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
            raise RolloutFailed("superseded", superseded(before.target))
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
