"""Decides each second how many replicas every deployment has; the reconciler sees that it has them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from murmur_deployer.domain import scaling
from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.routing import pool_name
from murmur_deployer.domain.rules import DeploymentRules
from murmur_deployer.domain.scaling import Decision, Scale
from murmur_deployer.domain.traffic import Traffic, load
from murmur_deployer.ports import Fleet, Router
from murmur_deployer.turns import Turn
from murmur_events.base import DeploymentName, ModelName
from murmur_events.deployments import DeploymentScaled

log = structlog.get_logger()

Measured = tuple[float, Traffic]
"""When (seconds), and what had been counted by then."""


Share = tuple[int, float]
"""The version whose requests are counted, and the part of them that its canary gets."""


@dataclass(frozen=True)
class _Watched:
    """of: measurements of another share say nothing about this one."""

    of: Share
    scale: Scale


class Scaler:
    """A restart, another version, and another share of a canary begin the measurements anew. What a replica takes is
    kept with the deployment: a new version is supposed to take as much until it is seen to take more."""

    def __init__(
        self,
        fleet: Fleet,
        router: Router,
        *,
        switching: Turn,
        scaled: Callable[[], None],
        every: float = 1.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """switching: held while a deployment is changed. scaled: called when one was."""
        self._fleet = fleet
        self._router = router
        self._switching = switching
        self._scaled = scaled
        self._every = every
        self._now = now
        self._counted: dict[str, Measured] = {}
        self._watched: dict[str, _Watched] = {}

    async def run(self) -> None:
        """Never returns."""
        while True:
            await self.look()
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """One look at all deployments."""
        rules = await self._fleet.rules()
        deployments = [each for each in await self._fleet.deployments() if each.serving is not None]
        automatic = any(rules[each.name].automatic for each in deployments if each.name in rules)
        traffic = await self._router.traffic() if automatic else {}
        pools = {pool_name(each.name, each.serving.version) for each in deployments if each.serving}
        self._counted = {pool: counted for pool, counted in self._counted.items() if pool in pools}
        names = {each.name for each in deployments}
        self._watched = {name: watched for name, watched in self._watched.items() if name in names}
        for deployment in deployments:
            if (its := rules.get(deployment.name)) is None:
                continue
            if decision := scaling.within(deployment.size, its) or self._by_load(deployment, its, traffic):
                watched = self._watched.get(deployment.name)
                await self._resize(deployment, decision, watched.scale.limit if watched else deployment.limit)

    def _by_load(
        self, deployment: Deployment, rules: DeploymentRules, traffic: Mapping[str, Traffic]
    ) -> Decision | None:
        assert deployment.serving is not None
        pool = pool_name(deployment.name, deployment.serving.version)
        if not rules.automatic or pool not in traffic:
            return None
        now, before = self._now(), self._counted.get(pool)
        self._counted[pool] = (now, traffic[pool])
        measured = load(before[1], traffic[pool], at=now, seconds=now - before[0]) if before else None
        watched, share = self._watched.get(deployment.name), _share(deployment)
        if measured is None or watched is None or (watched.scale.size, watched.of) != (deployment.size, share):
            limit = watched.scale.limit if watched else deployment.limit
            self._watched[deployment.name] = _Watched(share, Scale(deployment.size, now, limit=limit))
            return None
        scale = watched.scale.seen(measured, rules)
        ready = len(deployment.serving.proven) == deployment.size
        decision = scaling.decide(scale, rules, ready=ready)
        if decision is not None and decision.cause == "idle" and deployment.canary is not None:
            decision = None  # the canary answers what is missing, and may be rolled back at any moment
        self._watched[deployment.name] = _Watched(share, scale.resized(decision, now) if decision else scale)
        return decision

    async def _resize(self, deployment: Deployment, decision: Decision, limit: float | None) -> None:
        before = deployment.size

        def resized(current: Deployment) -> Deployment:
            same = current.serving and deployment.serving and current.serving.version == deployment.serving.version
            return replace(current, wanted=decision.size, limit=limit) if same and current.size == before else current

        def told(current: Deployment) -> DeploymentScaled:
            assert current.serving is not None
            return DeploymentScaled(
                deployment=DeploymentName(current.name),
                model=ModelName(current.name),
                version=current.serving.version,
                before=before,
                replicas=decision.size,
                cause=decision.cause,
                detail=decision.detail,
                rate=decision.rate,
                p99_ms=decision.p99,
            )

        async with self._switching:
            await self._fleet.update(deployment.name, resized, told)
        log.info(
            "deployment scaled",
            deployment=deployment.name,
            before=before,
            replicas=decision.size,
            cause=decision.cause,
            detail=decision.detail,
        )
        self._scaled()


def _share(deployment: Deployment) -> Share:
    assert deployment.serving is not None
    return deployment.serving.version, deployment.canary.weight if deployment.canary else 0.0
