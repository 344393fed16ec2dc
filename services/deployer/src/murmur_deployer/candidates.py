"""The replicas of a version that is to serve: recorded, started, and proven before anybody is led to them."""

from collections.abc import Collection
from dataclasses import replace
from itertools import chain

import structlog

from murmur_deployer.domain.deployment import RolloutFailed, ports_in_use
from murmur_deployer.domain.replicas import Replica, ServedVersion
from murmur_deployer.domain.rules import DeploymentRules
from murmur_deployer.ports import ModelServers
from murmur_deployer.proving import Prover
from murmur_deployer.repository import DeployerUnitOfWork
from murmur_deployer.turns import Turn
from murmur_events.models import VersionState
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing
from murmur_kernel.jobs import Job

log = structlog.get_logger()


class Candidates:
    """An attempt that follows a crash takes up those replicas of the one before it that still live, since the front
    door may lead to them already.
    """

    def __init__(self, servers: ModelServers, prover: Prover, turn: Turn) -> None:
        """turn: held by whoever chooses ports until they are recorded, of whatever deployment."""
        self._servers = servers
        self._prover = prover
        self._turn = turn

    async def prepare(self, job: Job[DeployerUnitOfWork], name: str, state: VersionState) -> None:
        """The deployment has a candidate whose replicas are proven, as many as are to serve. Raises RolloutFailed.

        The first is proven before the others are started: a version that cannot serve costs one process, and what is
        made once a version (its conversion) is there for the others.
        """
        candidate = await self._decide(job, name, state)
        first = [each for each in candidate.replicas if each.process][:1] or list(candidate.replicas[:1])
        others = [each for each in candidate.replicas if each not in first]
        for some in filter(None, (first, others)):
            started = await self._start(job, name, some, state)
            with job.step("probe", replicas=len(started)):
                for replica in started:
                    await self._prover.wait_for(replica, state)
        async with self._turn, job.unit_of_work() as uow:
            uow.deployments.save((await uow.deployments.require(name)).with_proven_candidate())

    async def remove_unproven(self, candidate: ServedVersion) -> None:
        """Nobody was ever led to them."""
        for replica in candidate.replicas:
            if not replica.proven:
                await self._servers.stop(replica)

    async def _decide(self, job: Job[DeployerUnitOfWork], name: str, state: VersionState) -> ServedVersion:
        """Recorded before anything is started, so that nothing runs that nobody knows."""
        async with job.unit_of_work() as uow:
            left = (await uow.deployments.require(name)).candidate
            rules = await uow.rules_of(name)
        living = await self._living(left, state.version) if left is not None else []
        async with self._turn, job.unit_of_work() as uow:
            deployments = await uow.all_deployments()
            deployment = next(each for each in deployments if each.name == name)
            missing = max(0, _size(deployment.serving, rules) - len(living))
            ports = choose_pairs(self._servers, ports_in_use(deployments), missing)
            if ports or left is None or len(living) != len(left.replicas):
                if left is not None and left.version != state.version:
                    deployment = deployment.without_candidate(uow.now)
                deployment = deployment.with_candidate(state.version, living, ports, rules.terms)
                uow.deployments.save(deployment)
        assert deployment.candidate is not None
        found = {replica.name: replica for replica in living}
        return replace(
            deployment.candidate,
            replicas=tuple(found.get(replica.name, replica) for replica in deployment.candidate.replicas),
        )

    async def _living(self, left: ServedVersion, version: int) -> list[Replica]:
        """Those of an earlier attempt that may be taken up; the others are ended, save proven ones of another version,
        which retire."""
        living = []
        for replica in left.replicas:
            process = await self._servers.find(replica)
            if process is not None and left.version == version:
                living.append(replace(replica, process=process))
            elif left.version == version or not replica.proven:
                await self._servers.stop(replica)
        return living

    async def _start(
        self, job: Job[DeployerUnitOfWork], name: str, replicas: list[Replica], state: VersionState
    ) -> list[Replica]:
        new = [replica for replica in replicas if replica.process is None]
        try:
            started = [replace(each, process=await self._servers.start(each, state)) for each in new]
        except (ArtifactCorrupt, ArtifactMissing) as error:
            raise RolloutFailed("artifact_corrupt", str(error)) from error
        if started:
            async with job.unit_of_work() as uow:
                deployment = await uow.deployments.require(name)
                for replica in started:
                    deployment = deployment.with_replica(replica)
                uow.deployments.save(deployment)
        for replica in started:
            assert replica.process is not None
            log.info("replica started", replica=replica.name, pid=replica.process.pid, port=replica.http_port)
        return [*(replica for replica in replicas if replica.process is not None), *started]


def choose_pairs(servers: ModelServers, in_use: Collection[int], count: int) -> list[tuple[int, int]]:
    """So many pairs of free ports, none of them twice. Raises Transient when too few are left."""
    pairs: list[tuple[int, int]] = []
    for _ in range(count):
        pairs.append(servers.choose_ports({*in_use, *chain.from_iterable(pairs)}))
    return pairs


def _size(serving: ServedVersion | None, rules: DeploymentRules) -> int:
    """As many as carry the load now, within what people want."""
    return min(max(rules.replicas, len(serving.replicas) if serving else 0), rules.most)
