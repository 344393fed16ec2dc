"""Makes what runs match what is recorded, again and again: the only one who knows what really serves."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from murmur_deployer.domain.deployment import Deployment, Replica, ports_in_use
from murmur_deployer.domain.routing import routing_table
from murmur_deployer.ports import Fleet, ModelServers, RouteNotApplied, Router
from murmur_deployer.turns import Turn
from murmur_kernel.backoff import Backoff
from murmur_kernel.clock import Clock
from murmur_kernel.errors import ArtifactError, Transient

log = structlog.get_logger()

_GATHER = 0.1
"""Seconds: of many rollouts that end together, one pass sees to all."""


@dataclass
class _Care:
    """What is remembered of one serving replica between two passes; a restart of the deployer may forget it."""

    backoff: Backoff = field(default_factory=Backoff)
    not_before: float = 0.0
    answered_at: float = field(default_factory=time.monotonic)
    was_ready: bool = False


class Reconciler:
    """Level-triggered: a pass looks at everything and needs no memory of what happened.

    - a serving replica that is dead, or has not answered for `patience` seconds, is started again, on the same ports if
      they are free
    - a retired one is stopped once it has no active requests, or after `drain` at the latest
    - what nobody has recorded is removed
    - the front door leads where the record says

    `passing` is held for all of a pass but the last: two that start one dead replica again would end with two of it.
    """

    def __init__(
        self,
        fleet: Fleet,
        servers: ModelServers,
        router: Router,
        clock: Clock,
        *,
        passing: Turn,
        switching: Turn,
        every: float = 1.0,
        patience: float = 30.0,
        settle: timedelta = timedelta(seconds=0.5),
        drain: timedelta = timedelta(seconds=30),
    ) -> None:
        self._fleet = fleet
        self._servers = servers
        self._router = router
        self._clock = clock
        self._passing = passing
        self._switching = switching
        self._every = every
        self._patience = patience
        self._settle = settle
        self._drain = drain
        self._care: dict[str, _Care] = {}
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
        """One pass; True while replicas are retiring, so that the next one should come soon."""
        async with self._passing:
            for deployment in await self._fleet.deployments():
                if deployment.serving is not None:
                    await self._keep_alive(deployment.serving)
                for replica in deployment.retiring:
                    await self._retire(replica)
        async with self._switching:
            deployments = await self._fleet.deployments()
            try:
                await self._router.apply(routing_table(deployments))
            except RouteNotApplied as error:
                log.warning("routes not applied", reason=str(error))
        return any(deployment.retiring for deployment in deployments)

    async def remove_strangers(self) -> None:
        """Ends replicas that no record knows: they were started for a store that is not there any more.

        A rollout records its candidate before it starts it. So what is there is listed first, and looked up after that.
        """
        present = set(await self._servers.names())
        known = {replica.name for deployment in await self._fleet.deployments() for replica in deployment.replicas}
        for name in present - known:
            log.warning("unknown replica removed", replica=name)
            await self._servers.stop(Replica(name, deployment="", version=0, http_port=0, grpc_port=0))

    async def _keep_alive(self, replica: Replica) -> None:
        care = self._care.setdefault(replica.name, _Care())
        process = await self._servers.find(replica)
        now = time.monotonic()
        if process is None:
            if now >= care.not_before:
                await self._restart(replica, care)
        elif await self._servers.ready(replica):
            care.answered_at = now
            if not care.was_ready:
                care.was_ready = True
                care.backoff.reset()
                log.info("replica serves", replica=replica.name, pid=process.pid)
            if process != replica.process:
                await self._record(replace(replica, process=process))
        elif now - care.answered_at > self._patience:
            log.error("replica does not answer", replica=replica.name, pid=process.pid, seconds=self._patience)
            await self._restart(replica, care)

    async def _restart(self, replica: Replica, care: _Care) -> None:
        care.not_before = time.monotonic() + care.backoff.next()
        care.answered_at = time.monotonic()
        care.was_ready = False
        try:
            await self._servers.stop(replica)
            in_use = ports_in_use(await self._fleet.deployments()) - set(replica.ports)
            http, grpc = self._servers.choose_ports(in_use, rather=replica.ports)
            moved = replace(replica, http_port=http, grpc_port=grpc, process=None)
            state = await self._fleet.version(replica.deployment, replica.version)
            process = await self._servers.start(moved, state)
        except (ArtifactError, Transient, OSError) as error:
            log.error("replica cannot be restarted", replica=replica.name, reason=str(error))
            return
        log.warning("replica restarted", replica=replica.name, pid=process.pid, port=http)
        await self._record(replace(moved, process=process))

    async def _retire(self, replica: Replica) -> None:
        assert replica.retired_at is not None
        waited = self._clock.now() - replica.retired_at
        if waited < self._settle:  # the front door's workers may still be hearing of the new route
            return
        active = await self._router.active_requests(replica.name)
        if active == 0 or waited > self._drain or await self._servers.find(replica) is None:
            await self._servers.stop(replica)
            self._care.pop(replica.name, None)
            await self._change(replica.deployment, lambda deployment: deployment.without(replica.name))
            log.info("replica retired", replica=replica.name, active_requests=active)

    async def _record(self, replica: Replica) -> None:
        await self._change(replica.deployment, lambda deployment: deployment.with_replica(replica))

    async def _change(self, name: str, change: Callable[[Deployment], Deployment]) -> None:
        async with self._switching:
            await self._fleet.update(name, change)
