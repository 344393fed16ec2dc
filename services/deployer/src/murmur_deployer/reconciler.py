"""Makes what runs match what is recorded, again and again: the only one who knows what really serves."""

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta

import structlog

from murmur_deployer.candidates import choose_pairs
from murmur_deployer.domain import sizing
from murmur_deployer.domain.batch_target import kept_for
from murmur_deployer.domain.deployment import Deployment, Role, ports_in_use
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.domain.routing import routing_table
from murmur_deployer.domain.rules import DeploymentRules, rules_of
from murmur_deployer.keeping import Keeper
from murmur_deployer.ports import Fleet, ModelServers, RouteNotApplied, Router
from murmur_deployer.proving import Prover
from murmur_deployer.turns import Turn
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Transient

log = structlog.get_logger()

_GATHER = 0.1
"""Seconds: of many rollouts that end together, one pass sees to all."""


class Reconciler:
    """Level-triggered: a pass looks at everything and needs no memory of what happened.

    - the replicas of what serves, and of a canary, are kept alive (keeping.py)
    - of both there become as many as were decided (scaler.py, domain/sizing.py)
    - the front door leads where the record says
    - a retired one is stopped once the front door gives it nothing more and it has no active requests, or after
      `drain` at the latest; but the last one of a version that has begun a batch stays for it, `hold` at the latest
    - what nobody has recorded is removed

    `passing` is held for all of a pass but its last routes: two that start one dead replica again would end with two of
    it.
    """

    def __init__(
        self,
        fleet: Fleet,
        servers: ModelServers,
        router: Router,
        prover: Prover,
        clock: Clock,
        *,
        passing: Turn,
        switching: Turn,
        every: float = 1.0,
        patience: float = 30.0,
        settle: timedelta = timedelta(seconds=0.5),
        drain: timedelta = timedelta(seconds=30),
        hold: timedelta = timedelta(hours=1),
    ) -> None:
        self._fleet = fleet
        self._servers = servers
        self._router = router
        self._clock = clock
        self._passing = passing
        self._switching = switching
        self._every = every
        self._settle = settle
        self._drain = drain
        self._hold = hold
        self._keeper = Keeper(fleet, servers, prover, self._record, patience=patience)
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something changed: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Never returns."""
        await self.remove_strangers()
        while True:
            self._wake.clear()
            busy = await self.reconcile()
            try:
                async with asyncio.timeout(0.2 if busy else self._every):
                    await self._wake.wait()
                await asyncio.sleep(_GATHER)
            except TimeoutError:
                continue

    async def reconcile(self) -> bool:
        """One pass; True while replicas come or go, so that the next one should come soon."""
        async with self._passing:
            rules, pinned = await self._fleet.rules(), await self._fleet.pinned()
            for deployment in await self._fleet.deployments():
                its = rules_of(deployment.name, rules)
                await self._keeper.look_after(self._kept(deployment, pinned.get(deployment.name, ())), its)
                if deployment.serving is not None:
                    await self._keeper.look_after(deployment.serving.replicas, its)
                    await self._resize(deployment, its)
                if deployment.canary is not None and deployment.candidate is not None:
                    await self._keeper.look_after(deployment.candidate.replicas, its)
                    await self._resize(deployment, its, "candidate")
            applied, deployments = await self._route()
            pinned = await self._fleet.pinned()  # after that: no batch begins with what has retired
            gone, kept = False, set[str]()
            for deployment in deployments:
                its_kept = self._kept(deployment, pinned.get(deployment.name, ()))
                kept |= {replica.name for replica in its_kept}
                for replica in deployment.retiring:
                    if replica not in its_kept:
                        gone = await self._retire(replica, applied=applied) or gone
        if gone:
            _, deployments = await self._route()
        return any(_is_moving(deployment, kept) for deployment in deployments)

    async def remove_strangers(self) -> None:
        """Ends replicas that no record knows: they were started for a store that is not there any more.

        A rollout records its candidate before it starts it. So what is there is listed first, and looked up after that.
        """
        present = set(await self._servers.names())
        known = {replica.name for deployment in await self._fleet.deployments() for replica in deployment.replicas}
        for name in present - known:
            log.warning("unknown replica removed", replica=name)
            await self._servers.stop(Replica(name, deployment="", version=0, http_port=0, grpc_port=0))

    def _kept(self, deployment: Deployment, pinned: Collection[int]) -> list[Replica]:
        """One of each version that serves no more and has begun a batch which has not ended."""
        found = [kept_for(deployment, version) for version in pinned]
        now = self._clock.now()
        return [each for each in found if each and each.retired_at and now - each.retired_at <= self._hold]

    async def _route(self) -> tuple[bool, tuple[Deployment, ...]]:
        """Whether the front door leads as is recorded, and what is."""
        async with self._switching:
            deployments = await self._fleet.deployments()
            try:
                await self._router.apply(routing_table(deployments, await self._fleet.rules()))
            except RouteNotApplied as error:
                log.warning("routes not applied", reason=str(error))
                return False, deployments
        return True, deployments

    async def _resize(self, deployment: Deployment, rules: DeploymentRules, role: Role = "serving") -> None:
        """Records who comes and who goes; the keeper starts the ones, and the others are drained."""
        name = deployment.name
        if sizing.change(deployment.sized(role), deployment.size, rules.terms) == sizing.NOTHING:
            return
        in_use = ports_in_use(await self._fleet.deployments())

        def resized(deployment: Deployment) -> Deployment:
            change = sizing.change(deployment.sized(role), deployment.size, rules.terms)
            ports = choose_pairs(self._servers, in_use, change.start)
            log.info(
                "deployment resized",
                deployment=name,
                started=change.start,
                retired=[replica.name for replica in change.retire],
            )
            return deployment.grown(ports, rules.terms, role).shrunk(change.retire, self._clock.now(), role)

        try:
            await self._change(name, resized)
        except Transient as error:
            log.warning("deployment not resized", deployment=name, reason=str(error))

    async def _retire(self, replica: Replica, *, applied: bool) -> bool:
        """Whether it is gone. applied: the front door is known to give it nothing more."""
        assert replica.retired_at is not None
        waited = self._clock.now() - replica.retired_at
        if waited < self._settle:  # the front door's workers may still be hearing of the new route
            return False
        active = await self._router.active_requests(replica)
        idle = applied and active == 0
        if not (idle or waited > self._drain or await self._servers.find(replica) is None):
            return False
        await self._servers.stop(replica)
        self._keeper.forget(replica.name)
        await self._change(replica.deployment, lambda deployment: deployment.without(replica.name))
        log.info("replica retired", replica=replica.name, active_requests=active)
        return True

    async def _record(self, replica: Replica) -> None:
        await self._change(replica.deployment, lambda deployment: deployment.with_replica(replica))

    async def _change(self, name: str, change: Callable[[Deployment], Deployment]) -> None:
        async with self._switching:
            await self._fleet.update(name, change)


def _is_moving(deployment: Deployment, kept: Collection[str]) -> bool:
    unproven = deployment.serving is not None and len(deployment.serving.proven) < len(deployment.serving.replicas)
    return unproven or any(replica.name not in kept for replica in deployment.retiring)
