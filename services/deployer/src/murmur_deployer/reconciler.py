"""Makes what runs match what is recorded, again and again: the only one who knows what really serves."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from murmur_deployer.candidates import choose_pairs
from murmur_deployer.domain import sizing
from murmur_deployer.domain.batch_target import kept_for
from murmur_deployer.domain.deployment import Deployment, Role, ports_in_use
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.domain.routing import routing_table
from murmur_deployer.domain.rules import DeploymentRules, rules_of
from murmur_deployer.endings import Endings
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
      `drain` or the deployment's timeout at the latest, whichever is longer; but the last one of a version that has
      begun a batch stays for it, `hold` at the latest
    - what the front door may still lead to, since it does not take new routes, stays for `unheard`, and people are told
    - what nobody has recorded is removed, when it begins

    `passing` is held for all of a pass but its last routes: two that start one dead replica again would end with two of
    it. No pass waits for a process that takes its time to end.
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
        unheard: timedelta = timedelta(hours=1),
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
        self._unheard = unheard
        self._applied = True
        self._applied_since: datetime | None = None
        self._told: Collection[str] | None = None
        self._endings = Endings()
        self._keeper = Keeper(fleet, servers, prover, settle=self._settle_ports, record=self._record, patience=patience)
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
            # Together, since a mute replica of one deployment takes its time; whatever one of them raises is raised.
            async with asyncio.TaskGroup() as care:
                for deployment in await self._fleet.deployments():
                    its_kept = self._kept(deployment, pinned.get(deployment.name, ()))
                    care.create_task(self._care_for(deployment, its_kept, rules_of(deployment.name, rules)))
            deployments = await self._route()
            pinned = await self._fleet.pinned()  # after that: no batch begins with what has retired
            kept, leaving = set[str](), list[tuple[Replica, timedelta]]()
            for deployment in deployments:
                kept |= {each.name for each in self._kept(deployment, pinned.get(deployment.name, ()))}
                drain = max(self._drain, timedelta(seconds=rules_of(deployment.name, rules).timeout))
                leaving += [(replica, drain) for replica in deployment.retiring if replica.name not in kept]
            await self._tell_unheard(leaving)
            gone = any(await asyncio.gather(*(self._retire(replica, drain) for replica, drain in leaving)))
        if gone:
            deployments = await self._route()
        return any(_is_moving(deployment, kept) for deployment in deployments)

    async def remove_strangers(self) -> None:
        """Ends replicas that no record knows: they were started for a store that is not there any more.

        A rollout records its candidate before it starts it. So what is there is listed first, and looked up after that.
        """
        present = set(await self._servers.names())
        known = {replica.name for deployment in await self._fleet.deployments() for replica in deployment.replicas}
        for name in present - known:
            log.warning("unknown replica removed", replica=name)
        strangers = [Replica(name, deployment="", version=0, http_port=0, grpc_port=0) for name in present - known]
        await asyncio.gather(*map(self._servers.stop, strangers))

    async def _care_for(self, deployment: Deployment, kept: Sequence[Replica], rules: DeploymentRules) -> None:
        await self._keeper.look_after(kept, rules)
        if deployment.serving is not None:
            await self._keeper.look_after(deployment.serving.replicas, rules)
            await self._resize(deployment, rules)
        if deployment.canary is not None and deployment.candidate is not None:
            await self._keeper.look_after(deployment.candidate.replicas, rules)
            await self._resize(deployment, rules, "candidate")

    def _kept(self, deployment: Deployment, pinned: Collection[int]) -> list[Replica]:
        """One of each version that serves no more and has begun a batch which has not ended."""
        found = [kept_for(deployment, version) for version in pinned]
        now = self._clock.now()
        return [each for each in found if each and each.retired_at and now - each.retired_at <= self._hold]

    async def _route(self) -> tuple[Deployment, ...]:
        """What is recorded; the front door leads accordingly, unless it does not listen."""
        async with self._switching:
            deployments = await self._fleet.deployments()
            try:
                await self._router.apply(routing_table(deployments, await self._fleet.rules()))
            except RouteNotApplied as error:
                log.warning("routes not applied", reason=str(error))
                self._applied = False
            else:
                if not self._applied:  # what it has led to until now has still to be drained
                    self._applied_since = self._clock.now()
                self._applied = True
        return deployments

    async def _resize(self, deployment: Deployment, rules: DeploymentRules, role: Role = "serving") -> None:
        """Records who comes and who goes; the keeper starts the ones, and the others are drained."""
        name = deployment.name
        if sizing.change(deployment.sized(role), deployment.size, rules.terms) == sizing.NOTHING:
            return

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
            async with self._switching:
                in_use = ports_in_use(await self._fleet.deployments())
                await self._fleet.update(name, resized)
        except Transient as error:
            log.warning("deployment not resized", deployment=name, reason=str(error))

    async def _retire(self, replica: Replica, drain: timedelta) -> bool:
        """Whether it is gone."""
        if replica.name not in self._endings:
            waited = self._waited(replica)
            if waited < self._settle:  # the front door's workers may still be hearing of the new route
                return False
            active = await self._router.active_requests(replica)
            idle = self._applied and active == 0
            late = waited > (drain if self._applied else self._unheard)
            if not (idle or late or await self._servers.find(replica) is None):
                return False
            log.info("replica retires", replica=replica.name, active_requests=active)
        if not await self._endings.begin(replica.name, lambda: self._servers.stop(replica)):
            return False
        self._keeper.forget(replica.name)
        await self._change(replica.deployment, lambda deployment: deployment.without(replica.name))
        return True

    def _waited(self, replica: Replica) -> timedelta:
        """For how long the front door has given it nothing more, or has been told to."""
        assert replica.retired_at is not None
        since = max(replica.retired_at, self._applied_since) if self._applied_since else replica.retired_at
        return self._clock.now() - since

    async def _tell_unheard(self, leaving: Sequence[tuple[Replica, timedelta]]) -> None:
        """People are told of deployments whose replicas cannot be ended, since the front door takes no new routes."""
        late = {replica.deployment for replica, drain in leaving if self._waited(replica) > drain}
        unheard = set() if self._applied else late
        if unheard != self._told:
            await self._fleet.tell_unheard(unheard)
            self._told = unheard

    async def _settle_ports(self, replica: Replica) -> Replica:
        """Its own ports, or others if somebody else has those by now."""
        async with self._switching:
            in_use = ports_in_use(await self._fleet.deployments()) - set(replica.ports)
            http, grpc = self._servers.choose_ports(in_use, rather=replica.ports)
            settled = replace(replica, http_port=http, grpc_port=grpc)
            if settled.ports != replica.ports:
                await self._fleet.update(replica.deployment, lambda deployment: deployment.with_replica(settled))
        return settled

    async def _record(self, replica: Replica) -> None:
        await self._change(replica.deployment, lambda deployment: deployment.with_replica(replica))

    async def _change(self, name: str, change: Callable[[Deployment], Deployment]) -> None:
        async with self._switching:
            await self._fleet.update(name, change)


def _is_moving(deployment: Deployment, kept: Collection[str]) -> bool:
    unproven = deployment.serving is not None and len(deployment.serving.proven) < len(deployment.serving.replicas)
    return unproven or any(replica.name not in kept for replica in deployment.retiring)
