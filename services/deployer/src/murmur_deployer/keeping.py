"""Keeps the replicas of what serves alive, rightly answering, and within their limits."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from murmur_deployer.domain.deployment import RolloutFailed, ports_in_use
from murmur_deployer.domain.replicas import ProcessId, Replica
from murmur_deployer.domain.rules import DeploymentRules
from murmur_deployer.ports import Fleet, ModelServers
from murmur_deployer.proving import Prover
from murmur_kernel.backoff import Backoff
from murmur_kernel.errors import ArtifactError, Transient

log = structlog.get_logger()

Record = Callable[[Replica], Awaitable[None]]
"""Writes down how a replica stands."""


@dataclass
class _Care:
    """What is remembered of one replica between two passes; a restart of the deployer may forget it."""

    backoff: Backoff = field(default_factory=Backoff)
    not_before: float = 0.0
    answered_at: float = field(default_factory=time.monotonic)
    was_ready: bool = False


class Keeper:
    """A replica that is dead, or has not answered for `patience` seconds, is started again, on the same ports if they
    are free; one over its memory too. One that was never proven is proven as soon as it answers.
    """

    def __init__(self, fleet: Fleet, servers: ModelServers, prover: Prover, record: Record, *, patience: float) -> None:
        self._fleet = fleet
        self._servers = servers
        self._prover = prover
        self._record = record
        self._patience = patience
        self._care: dict[str, _Care] = {}

    def forget(self, name: str) -> None:
        self._care.pop(name, None)

    async def look_after(self, replicas: Sequence[Replica], rules: DeploymentRules) -> None:
        """All are looked at together, since a mute one takes its time; what has to be done is done one by one."""
        for replica, (process, ready) in zip(replicas, await asyncio.gather(*map(self._look, replicas)), strict=True):
            await self._keep(replica, process, rules, ready=ready)

    async def _look(self, replica: Replica) -> tuple[ProcessId | None, bool]:
        process = await self._servers.find(replica)
        return process, process is not None and await self._servers.ready(replica)

    async def _keep(self, replica: Replica, process: ProcessId | None, rules: DeploymentRules, *, ready: bool) -> None:
        care = self._care.setdefault(replica.name, _Care())
        now = time.monotonic()
        if process is None:
            if now >= care.not_before:
                await self._restart(replica, care)
        elif now >= care.not_before and await self._too_large(replica, process, rules):
            await self._servers.end(process)
            await self._restart(replica, care)
        elif ready:
            care.answered_at = now
            await self._welcome(replace(replica, process=process), care, known=process == replica.process)
        elif now - care.answered_at > self._patience:
            log.error("replica does not answer", replica=replica.name, pid=process.pid, seconds=self._patience)
            await self._restart(replica, care)

    async def _welcome(self, replica: Replica, care: _Care, *, known: bool) -> None:
        """It answers."""
        if not replica.proven:
            try:
                state = await self._fleet.version(replica.deployment, replica.version)
                await self._prover.probe(replica, state)
            except (RolloutFailed, Transient) as error:
                log.error("replica not proven", replica=replica.name, reason=str(error))
                if time.monotonic() >= care.not_before:
                    await self._restart(replica, care)
                return
            replica, known = replace(replica, proven=True), False
        if not care.was_ready:
            care.was_ready = True
            care.backoff.reset()
            log.info("replica serves", replica=replica.name, pid=replica.process and replica.process.pid)
        if not known:
            await self._record(replica)

    async def _too_large(self, replica: Replica, process: ProcessId, rules: DeploymentRules) -> bool:
        resident = await self._servers.memory(process) if rules.memory is not None else 0
        if rules.memory is None or resident <= rules.memory:
            return False
        log.error("replica over its memory", replica=replica.name, resident_bytes=resident, limit_bytes=rules.memory)
        return True

    async def _restart(self, replica: Replica, care: _Care) -> None:
        """Tries again after a pause that grows; an error of today is looked at tomorrow."""
        care.not_before = time.monotonic() + care.backoff.next()
        care.answered_at = time.monotonic()
        care.was_ready = False
        try:
            await self._servers.stop(replica)
            in_use = ports_in_use(await self._fleet.deployments()) - set(replica.ports)
            http, grpc = self._servers.choose_ports(in_use, rather=replica.ports)
            ended = replica.ended + (replica.process is not None)
            moved = replace(replica, http_port=http, grpc_port=grpc, process=None, ended=ended)
            state = await self._fleet.version(replica.deployment, replica.version)
            process = await self._servers.start(moved, state)
        except (ArtifactError, Transient, OSError) as error:
            log.error("replica cannot be started", replica=replica.name, reason=str(error))
            return
        again = "replica restarted" if replica.proven else "replica started"
        log.warning(again, replica=replica.name, pid=process.pid, port=http)
        await self._record(replace(moved, process=process))
