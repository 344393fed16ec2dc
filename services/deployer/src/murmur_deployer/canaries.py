"""A canary under way: looked at each second, judged step by step, and ended by a fact."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from murmur_deployer import facts
from murmur_deployer.domain.canary import MOST_RESTARTS, Evidence, Wish
from murmur_deployer.domain.deployment import Deployment, Target
from murmur_deployer.domain.judging import Judgement, judge
from murmur_deployer.domain.promotion import superseded
from murmur_deployer.domain.replicas import ServedVersion
from murmur_deployer.domain.rules import CanaryRules
from murmur_deployer.ports import ModelServers, RouteNotApplied
from murmur_deployer.repository import DeployerUnitOfWork, release_id
from murmur_deployer.rollouts import asked
from murmur_deployer.switching import Change, Switch
from murmur_deployer.turns import Turn
from murmur_deployer.watching import Watch
from murmur_events.deployments import CanaryJudged
from murmur_kernel import troubles
from murmur_kernel.jobs import Job

THE_DEPLOYER = "deployer"
"""Who rolls a canary back where no person and no other service did."""

log = structlog.get_logger()


class _Overtaken(Exception):
    """Since the look somebody has asked for another version, or for this one to go: look again."""


@dataclass(frozen=True)
class _Look:
    """What one look has seen, and how it was judged."""

    seen: Deployment
    evidence: Evidence
    judgement: Judgement
    rules: CanaryRules

    def told(self, before: Deployment) -> CanaryJudged:
        return facts.canary_judged(before, self.evidence, self.judgement, len(self.rules.steps))


class Canaries:
    def __init__(
        self,
        servers: ModelServers,
        switch: Switch,
        *,
        turns: Callable[[str], Turn],
        swapped: Callable[[], None],
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        every: float = 1.0,
    ) -> None:
        """turns: held by whoever changes the version of a deployment of that name. swapped: called when replicas
        retire. pause: waits so many seconds between two looks."""
        self._servers = servers
        self._switch = switch
        self._turns = turns
        self._swapped = swapped
        self._pause = pause
        self._every = every

    async def run(self, job: Job[DeployerUnitOfWork]) -> None:
        """Ends in model.deployed, deployment.rolled_back, or deployment.failed (superseded)."""
        name, target = asked(job)
        async with self._turns(name):
            watch: Watch | None = None
            while True:
                async with job.unit_of_work() as uow:
                    deployment, now = await uow.deployments.require(name), uow.now
                    rules = (await uow.rules_of(name)).canary
                    labels = await uow.labels_of(deployment)
                canary, candidate = deployment.canary, deployment.candidate
                if canary is None or candidate is None or candidate.version != target.version:
                    break
                watch = watch or Watch(self._servers, canary.evidence)
                if canary.unwanted is None:  # a mute replica takes its time
                    await watch.look(deployment)
                judgement = judge(canary, watch.evidence, labels, rules, now, missing=watch.missing(deployment))
                try:
                    if await self._act(job, target, _Look(deployment, watch.evidence, judgement, rules)):
                        break
                except _Overtaken:
                    continue
                except RouteNotApplied as error:
                    log.warning("canary waits for the front door", deployment=name, reason=str(error))
                await self._pause(self._every)
        self._swapped()

    async def exhausted(self, job: Job[DeployerUnitOfWork], error: str) -> None:
        """It cannot be judged: it does not go on."""
        name, target = asked(job)
        async with self._turns(name):
            ended = False
            while not ended:
                async with job.unit_of_work() as uow:
                    deployment = await uow.deployments.require(name)
                if deployment.canary is None:
                    return
                with suppress(_Overtaken):
                    if deployment.target == target:
                        wish = deployment.canary.unwanted
                        wish = wish or Wish(THE_DEPLOYER, "canary", f"it could not be judged: {error}")
                        await self._roll_back(job, deployment, wish)
                    else:
                        await self._supersede(job, deployment, target)
                    ended = True
        self._swapped()

    async def _act(self, job: Job[DeployerUnitOfWork], target: Target, look: _Look) -> bool:
        """Whether the canary has ended. Raises RouteNotApplied and _Overtaken: nothing was done, and it may be tried
        again."""
        deployment, judgement = look.seen, look.judgement
        assert deployment.canary is not None
        assert deployment.candidate is not None
        if deployment.target != target:
            await self._supersede(job, deployment, target)
            return True
        if wish := deployment.canary.unwanted or _too_often(deployment.candidate):
            await self._roll_back(job, deployment, wish)
            return True
        match judgement.verdict:
            case "wait":
                if judgement.late:
                    await self._tell_late(job, deployment.name, judgement)
                return False
            case "advance":
                await self._advance(job, look)
                return False
            case "finish":
                await self._finish(job, look)
                return True
            case "roll_back":
                wish = Wish(THE_DEPLOYER, "canary", judgement.detail)
                await self._roll_back(job, deployment, wish, look.told)
                return True

    async def _advance(self, job: Job[DeployerUnitOfWork], look: _Look) -> None:
        async def next_step(before: Deployment, uow: DeployerUnitOfWork) -> Deployment:
            assert before.canary is not None
            step = before.canary.step + 1
            uow.publish(look.told(before))
            await _over(uow, before.name, "it goes on")
            weight = look.rules.steps[step]
            changed = replace(before.canary, step=step, weight=weight, since=uow.now, evidence=look.evidence)
            return replace(before, canary=changed)

        await self._carry_out(job, look.seen, next_step, completes=False)

    async def _finish(self, job: Job[DeployerUnitOfWork], look: _Look) -> None:
        async def swap(before: Deployment, uow: DeployerUnitOfWork) -> Deployment:
            assert before.serving is not None
            assert before.candidate is not None
            release = await uow.releases.require(release_id(before.name, before.candidate.version))
            uow.publish(look.told(before))
            await _over(uow, before.name, "the canary has passed")
            swapped = before.swapped(uow.now)
            uow.publish(facts.deployed(swapped, release.state, replaces=before.serving.version))
            return swapped

        await self._carry_out(job, look.seen, swap, completes=True)

    async def _roll_back(
        self,
        job: Job[DeployerUnitOfWork],
        seen: Deployment,
        wish: Wish,
        judged: Callable[[Deployment], CanaryJudged] | None = None,
    ) -> None:
        async def go_back(before: Deployment, uow: DeployerUnitOfWork) -> Deployment:
            assert before.serving is not None
            assert before.candidate is not None
            if judged is not None:
                uow.publish(judged(before))
            await _over(uow, before.name, "the canary was rolled back")
            uow.publish(
                facts.rolled_back(
                    before,
                    version=before.candidate.version,
                    serving=before.serving.version,
                    by=wish.by,
                    cause=wish.cause,
                    reason=wish.reason,
                )
            )
            return before.rolled_back(wish.reason, uow.now)

        await self._carry_out(job, seen, go_back, completes=True)

    async def _supersede(self, job: Job[DeployerUnitOfWork], seen: Deployment, target: Target) -> None:
        async def give_way(before: Deployment, uow: DeployerUnitOfWork) -> Deployment:
            await _over(uow, before.name, "another version was promoted")
            uow.publish(facts.failed(before, target.version, "superseded", superseded(before.target)))
            return before.gave_way(uow.now)

        await self._carry_out(job, seen, give_way, completes=True)

    async def _carry_out(
        self, job: Job[DeployerUnitOfWork], seen: Deployment, change: Change, *, completes: bool
    ) -> None:
        """seen: what the change was decided by. Raises _Overtaken where other things are wanted by now."""

        async def if_still_wanted(before: Deployment, uow: DeployerUnitOfWork) -> Deployment:
            if _wanted(before) != _wanted(seen):
                raise _Overtaken
            return await change(before, uow)

        await self._switch.carry_out(job, seen.name, if_still_wanted, completes=completes)

    async def _tell_late(self, job: Job[DeployerUnitOfWork], name: str, judgement: Judgement) -> None:
        """Silence neither finishes nor rolls back: people are told, once."""
        async with job.unit_of_work() as uow:
            await troubles.begin(
                uow,
                _trouble(name),
                about=name,
                title=f"the canary of {name} cannot be judged yet",
                detail=f"{judgement.detail}: it waits; murmur rollback {name} --reason … ends it",
            )


def _wanted(deployment: Deployment) -> tuple[Target, bool, Wish | None]:
    """What people and the registry want of a canary."""
    canary = deployment.canary
    return deployment.target, canary is not None, canary.unwanted if canary else None


def _too_often(candidate: ServedVersion) -> Wish | None:
    ended = sum(replica.ended for replica in candidate.replicas)
    if ended <= MOST_RESTARTS:
        return None
    return Wish(THE_DEPLOYER, "canary", f"its replicas ended {ended} times, {MOST_RESTARTS} are borne: see their logs")


async def _over(uow: DeployerUnitOfWork, name: str, how: str) -> None:
    await troubles.end(uow, _trouble(name), how)


def _trouble(name: str) -> str:
    return f"canary-late/{name}"
