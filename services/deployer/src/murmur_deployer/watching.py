"""What one attempt at a canary's job remembers between two looks: what its replicas had counted, and the evidence."""

import asyncio
from collections.abc import Sequence

from murmur_deployer.domain.canary import Counts, Evidence
from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.replicas import ProcessId, Replica
from murmur_deployer.ports import ModelServers


class Watch:
    """The next attempt, after a crash, takes up the evidence with which the step began and collects anew. That costs
    time, and a step that is begun k times has k chances of a false alarm where the stated rate counts one."""

    def __init__(self, servers: ModelServers, evidence: Evidence) -> None:
        self._servers = servers
        self._counted: dict[str, tuple[ProcessId | None, Counts]] = {}
        self._mute: set[str] = set()
        self.evidence = evidence

    def missing(self, deployment: Deployment) -> int:
        """So many replicas that are proven and have told their counts at this look lacks the canary of its size."""
        assert deployment.candidate is not None
        proven = deployment.candidate.proven
        answering = sum(replica.name not in self._mute for replica in proven)
        return max(deployment.size, len(proven)) - answering

    async def look(self, deployment: Deployment) -> None:
        """What each replica has counted since the last look becomes evidence; of one that is new, from now on."""
        assert deployment.serving is not None
        assert deployment.candidate is not None
        stable, first = await self._since(deployment.serving.replicas)
        canary, second = await self._since(deployment.candidate.replicas)
        self.evidence = self.evidence.seen(stable, canary, steady=first and second)

    async def _since(self, replicas: Sequence[Replica]) -> tuple[Counts, bool]:
        """What they have counted since the last look, all together, and whether none of them has begun anew."""
        total, steady = Counts(), True
        found = await asyncio.gather(*map(self._servers.counts, replicas))
        for replica, counts in zip(replicas, found, strict=True):
            if counts is None:
                self._mute.add(replica.name)
                continue
            self._mute.discard(replica.name)
            process, before = self._counted.get(replica.name, (replica.process, counts))
            self._counted[replica.name] = (replica.process, counts)
            if replica.process != process or counts.began_after(before):
                before, steady = Counts(), False
            total = total.plus(counts.minus(before))
        return total, steady
