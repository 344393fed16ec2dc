"""Shows that a replica answers, and rightly, before anybody is led to it."""

import asyncio
import json

from murmur_deployer.domain.deployment import RolloutFailed
from murmur_deployer.domain.probe import mismatch
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.ports import Artifacts, ModelServers, ProbeRefused
from murmur_events.models import VersionState
from murmur_kernel.errors import ArtifactCorrupt, ArtifactMissing

_LOOK_EVERY = 0.1


class Prover:
    def __init__(self, servers: ModelServers, artifacts: Artifacts, *, seconds: float) -> None:
        """seconds: how long a replica may take from its start to its first right answer."""
        self._servers = servers
        self._artifacts = artifacts
        self._seconds = seconds

    async def wait_for(self, replica: Replica, state: VersionState) -> None:
        """Returns when it answers the known rows. Raises RolloutFailed when it does not, or not in time."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._until_ready(replica)
                await self.probe(replica, state)
        except TimeoutError:
            raise await self._did_not_start(replica, f"was not ready within {self._seconds:g} s") from None

    async def probe(self, replica: Replica, state: VersionState) -> None:
        """Raises RolloutFailed when it does not answer the known rows as training did."""
        try:
            probe = json.loads(await self._artifacts.read_bytes(state.artifacts.probe))
            expected = [float(output) for output in probe["outputs"]]
            answered = await self._servers.probe(replica, probe["request"])
        except (ArtifactCorrupt, ArtifactMissing) as error:
            raise RolloutFailed("artifact_corrupt", str(error)) from error
        except (ValueError, KeyError, TypeError) as error:
            raise RolloutFailed("artifact_corrupt", f"the probe is no request with outputs: {error!r}") from error
        except ProbeRefused as error:
            raise RolloutFailed("probe_mismatch", f"the replica refused the probe: {error}") from error
        if difference := mismatch(expected, answered):
            raise RolloutFailed("probe_mismatch", difference)

    async def _until_ready(self, replica: Replica) -> None:
        while not await self._servers.ready(replica):
            if await self._servers.find(replica) is None:
                raise await self._did_not_start(replica, "ended before it was ready")
            await asyncio.sleep(_LOOK_EVERY)

    async def _did_not_start(self, replica: Replica, what: str) -> RolloutFailed:
        words = await self._servers.last_words(replica)
        return RolloutFailed("did_not_start", f"replica {replica.name!r} {what}; its log ends with: {words}")
