"""Keeps the replicas of what serves alive, rightly answering, and within their limits."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from murmur_deployer.domain.deployment import RolloutFailed
from murmur_deployer.domain.replicas import ProcessId, Replica
from murmur_deployer.domain.rules import DeploymentRules
from murmur_deployer.endings import Endings
from murmur_deployer.ports import Fleet, ModelServers
from murmur_deployer.proving import Prover
from murmur_kernel.backoff import Backoff
from murmur_kernel.errors import ArtifactError, Transient

log = structlog.get_logger()

Record = Callable[[Replica], Awaitable[None]]
"""Writes down how a replica stands."""

Settle = Callable[[Replica], Awaitable[Replica]]
"""The replica with ports that are free now, written down before anybody else may choose them. Raises Transient."""


@dataclass
class _Care:
    """What is remembered of one replica between two passes; a restart of the deployer may forget it."""

    backoff: Backoff = field(default_factory=Backoff)
    not_before: float = 0.0
    answered_at: float = field(default_factory=time.monotonic)
    was_ready: bool = False
    too_large_since: float | None = None


class Keeper:
    """A replica that is dead, or has not answered for `patience` seconds, is started again, on the same ports if they
    are free; one over its memory too, while all others answer that were given with it, or after `patience`. One that
    was never proven is proven as soon as it answers.
    """

    def __init__(
        self,
        fleet: Fleet,
        servers: ModelServers,
        prover: Prover,
        *,
        settle: Settle,
        record: Record,
        patience: float,
    ) -> None:
        self._fleet = fleet
        self._servers = servers
        self._prover = prover
        self._settle = settle
        self._record = record
        self._patience = patience
        self._care: dict[str, _Care] = {}
        self._endings = Endings()

    def forget(self, name: str) -> None:
        self._care.pop(name, None)

    async def look_after(self, replicas: Sequence[Replica], rules: DeploymentRules) -> None:
        """All are looked at together, since a mute one takes its time; what has to be done is done one by one."""
        looks = await asyncio.gather(*map(self._look, replicas))
        found = list(zip(replicas, looks, strict=True))
        answering = {replica.name for replica, (_, ready) in found if ready and replica.proven}
        names = {replica.name for replica in replicas}
        for replica, (process, ready) in found:
            others_answer = names - {replica.name} <= answering
            if not await self._keep(replica, process, rules, ready=ready, others_answer=others_answer):
                answering.discard(replica.name)

    async def _look(self, replica: Replica) -> tuple[ProcessId | None, bool]:
        process = await self._servers.find(replica)
        return process, process is not None and await self._servers.ready(replica)

    async def _keep(
        self, replica: Replica, process: ProcessId | None, rules: DeploymentRules, *, ready: bool, others_answer: bool
    ) -> bool:
        """Whether it was left alive."""
        care = self._care.setdefault(replica.name, _Care())
        now = time.monotonic()
        if replica.name in self._endings:
            if not await self._has_ended(replica, self._endings.over(replica.name)):
                return False
            process, ready = await self._look(replica)  # another deployer may have started it again by now
        if process is None:
            if now >= care.not_before:
                await self._start(replica, care)
            return False
        if await self._must_shrink(replica, process, rules, care, others_answer=others_answer):
            await self._replace(replica, care, lambda: self._servers.end(process))
            return False
        if ready:
            care.answered_at = now
            return await self._welcome(replace(replica, process=process), care, known=process == replica.process)
        if now - care.answered_at > self._patience:
            log.error("replica does not answer", replica=replica.name, pid=process.pid, seconds=self._patience)
            await self._replace(replica, care, self._end_of(replica, process))
            return False
        return True

    async def _welcome(self, replica: Replica, care: _Care, *, known: bool) -> bool:
        """It answers. Whether it may go on."""
        if not replica.proven:
            try:
                state = await self._fleet.version(replica.deployment, replica.version)
                await self._prover.probe(replica, state)
            except (RolloutFailed, Transient) as error:
                log.error("replica not proven", replica=replica.name, reason=str(error))
                if time.monotonic() >= care.not_before:
                    assert replica.process is not None
                    await self._replace(replica, care, self._end_of(replica, replica.process))
                return False
            replica, known = replace(replica, proven=True), False
        if not care.was_ready:
            care.was_ready = True
            care.backoff.reset()
            log.info("replica serves", replica=replica.name, pid=replica.process and replica.process.pid)
        if not known:
            await self._record(replica)
        return True

    async def _must_shrink(
        self, replica: Replica, process: ProcessId, rules: DeploymentRules, care: _Care, *, others_answer: bool
    ) -> bool:
        """Replicas that share their requests grow alike: one is started anew after the other."""
        resident = await self._servers.memory(process) if rules.memory is not None else 0
        if rules.memory is None or resident <= rules.memory:
            care.too_large_since = None
            return False
        now = time.monotonic()
        care.too_large_since = care.too_large_since or now
        if now < care.not_before or not (others_answer or now - care.too_large_since > self._patience):
            return False
        care.too_large_since = None
        log.error("replica over its memory", replica=replica.name, resident_bytes=resident, limit_bytes=rules.memory)
        return True

    def _end_of(self, replica: Replica, process: ProcessId) -> Callable[[], Awaitable[None]]:
        """Its process ends; in a group it leaves that, if the process lets it go."""
        if replica.terms.group is None:
            return lambda: self._servers.end(process)
        return lambda: self._servers.stop(replica)

    async def _replace(self, replica: Replica, care: _Care, end: Callable[[], Awaitable[None]]) -> None:
        """It is started again once it has ended, which a later pass may see."""
        care.not_before = 0.0
        care.was_ready = False
        if await self._has_ended(replica, self._endings.begin(replica.name, end)):
            await self._start(replica, care)

    async def _has_ended(self, replica: Replica, ending: Awaitable[bool]) -> bool:
        try:
            return await ending
        except (Transient, OSError) as error:
            log.error("replica cannot be ended", replica=replica.name, reason=str(error))
            return False

    async def _start(self, replica: Replica, care: _Care) -> None:
        """Tries again after a pause that grows; an error of today is looked at tomorrow."""
        care.not_before = time.monotonic() + care.backoff.next()
        care.answered_at = time.monotonic()
        care.was_ready = False
        try:
            await self._servers.stop(replica)
            ended = replica.ended + (replica.process is not None)
            settled = await self._settle(replace(replica, process=None, ended=ended))
            state = await self._fleet.version(replica.deployment, replica.version)
            process = await self._servers.start(settled, state)
        except (ArtifactError, Transient, OSError) as error:
            log.error("replica cannot be started", replica=replica.name, reason=str(error))
            return
        again = "replica restarted" if replica.proven else "replica started"
        log.warning(again, replica=replica.name, pid=process.pid, port=settled.http_port)
        await self._record(replace(settled, process=process))
