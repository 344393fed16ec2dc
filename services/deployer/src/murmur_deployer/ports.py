"""What the deployer needs of the world: model servers, a front door, artifacts, and what is kept of deployments."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from murmur_deployer.domain.canary import Counts
from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.replicas import ProcessId, Replica
from murmur_deployer.domain.routing import RoutingTable
from murmur_deployer.domain.rules import DeploymentRules
from murmur_deployer.domain.traffic import Traffic
from murmur_events import Event
from murmur_events.models import VersionState
from murmur_events.values import Artifact


class RouteNotApplied(Exception):
    """The front door does not route as it was told; it may later."""


class ModelServers(Protocol):
    """Replicas that serve one version each, and outlive the deployer: a process of its own each, or one for several of
    a group. All calls may be repeated."""

    async def start(self, replica: Replica, state: VersionState) -> ProcessId:
        """Fetches the model and starts a process, or brings it into that of its group; does not wait for it.

        Raises ArtifactMissing, ArtifactCorrupt (nothing is left of the replica then) or Transient.
        """

    async def find(self, replica: Replica) -> ProcessId | None:
        """The living process that has that replica, whoever started it."""

    async def counts(self, replica: Replica) -> Counts | None:
        """What it has counted since it began; None if it does not tell now."""

    async def memory(self, process: ProcessId) -> int:
        """Bytes that it keeps resident; 0 once it has ended."""

    async def ready(self, replica: Replica) -> bool:
        """It answers, and with the version it should have."""

    async def probe(self, replica: Replica, request: dict[str, Any]) -> tuple[float, ...]:
        """Outputs for a V2 request; leaves no trace in the prediction log. Raises ProbeRefused."""

    async def stop(self, replica: Replica) -> None:
        """Lets it answer what it has begun, then ends it. Its directory is gone, its prediction log is not. Others in
        its process are not disturbed; a process without any ends.
        """

    async def end(self, process: ProcessId) -> None:
        """Ends a process with all that are in it."""

    async def last_words(self, replica: Replica) -> str:
        """What its log ends with."""

    async def names(self) -> Collection[str]:
        """Replicas that have a process or a directory here; and a name for a process without any, to be stopped by."""

    def choose_ports(self, in_use: Collection[int], *, rather: tuple[int, int] | None = None) -> tuple[int, int]:
        """Two free ports, HTTP and gRPC: `rather` if they are free. Raises Transient when none are left."""


class ProbeRefused(Exception):
    """The replica answered the probe with an error."""


class Router(Protocol):
    """The front door's way to model servers."""

    async def apply(self, table: RoutingTable) -> None:
        """Returns when the front door routes like that; at once if it already does. Raises RouteNotApplied."""

    async def traffic(self) -> Mapping[str, Traffic]:
        """What was counted of each pool that ever got a request; empty if that cannot be told now."""

    async def active_requests(self, replica: Replica) -> int | None:
        """Requests that a replica has not answered yet; None if that cannot be told now."""


class Artifacts(Protocol):
    """Raises ArtifactMissing, ArtifactCorrupt, Transient."""

    async def read_bytes(self, artifact: Artifact) -> bytes: ...

    async def fetch(self, artifact: Artifact, to: Path) -> Path: ...


class Fleet(Protocol):
    """Deployments as the reconciler reads and changes them, each change a transaction of its own."""

    async def deployments(self) -> tuple[Deployment, ...]: ...

    async def rules(self) -> Mapping[str, DeploymentRules]:
        """By the name of the deployment, of those whose workflow is known."""

    async def pinned(self) -> Mapping[str, frozenset[int]]:
        """By the name of the deployment, the versions that have begun batches which have not ended."""

    async def version(self, deployment: str, version: int) -> VersionState: ...

    async def tell_unheard(self, deployments: Collection[str]) -> None:
        """A trouble begins for each of them, unless it has, and ends for all others: replicas that retired are kept,
        since the front door may still lead to them."""

    async def update(
        self,
        name: str,
        change: Callable[[Deployment], Deployment],
        told: Callable[[Deployment], Event] | None = None,
    ) -> None:
        """change: may be called again, when somebody else has changed it meanwhile. Raises what `change` raises.
        told: the fact that is published with the change, given how it stands then; nothing where nothing changed.
        """
