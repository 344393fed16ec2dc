"""Where the front door leads, as it follows from the deployments."""

from collections.abc import Iterable
from dataclasses import dataclass

from murmur_deployer.domain.deployment import Deployment, Replica


@dataclass(frozen=True)
class Endpoint:
    """A replica as an address; the host is this machine."""

    name: str
    port: int


@dataclass(frozen=True)
class RoutingTable:
    """routes: deployment -> name of the replica that answers. endpoints: all replicas that must stay reachable, those
    included that no route leads to any more, since they may be answering still."""

    routes: tuple[tuple[str, str], ...]
    endpoints: tuple[Endpoint, ...]


def routing_table(deployments: Iterable[Deployment], *, candidate: Replica | None = None) -> RoutingTable:
    """What the deployments say, with `candidate` in the place of what serves its deployment now."""
    routes = {}
    endpoints = set()
    for deployment in deployments:
        for replica in (deployment.serving, *deployment.retiring):
            if replica is not None:
                endpoints.add(Endpoint(replica.name, replica.http_port))
        if deployment.serving is not None:
            routes[deployment.name] = deployment.serving.name
    if candidate is not None:
        routes[candidate.deployment] = candidate.name
        endpoints.add(Endpoint(candidate.name, candidate.http_port))
    by_name = sorted(endpoints, key=lambda endpoint: endpoint.name)
    return RoutingTable(tuple(sorted(routes.items())), tuple(by_name))
