"""Which replicas the front door must know, and how requests for a deployment are shared among them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.domain.rules import DeploymentRules, rules_of


@dataclass(frozen=True)
class Endpoint:
    """A replica as an address; the host is this machine. draining: it gets no new request."""

    name: str
    port: int
    draining: bool = False


@dataclass(frozen=True)
class Pool:
    """The replicas of one version, among which its requests are shared; most: how many they may become."""

    name: str
    endpoints: tuple[Endpoint, ...]
    most: int = 1


@dataclass(frozen=True)
class Share:
    """The pool of a canary, and which part of the requests it answers; 0: it gets copies, and answers nobody."""

    pool: str
    weight: float


@dataclass(frozen=True)
class Route:
    """pool: the name of the one that answers, save the canary's share. rate_limit: requests a second of one client.
    timeout: seconds.
    """

    deployment: str
    pool: str
    rate_limit: float | None = None
    timeout: float = 30.0
    canary: Share | None = None


@dataclass(frozen=True)
class RoutingTable:
    """pools: of all replicas that must stay reachable, those included that no route leads to any more or yet, since
    they may be answering."""

    routes: tuple[Route, ...] = ()
    pools: tuple[Pool, ...] = ()


def pool_name(deployment: str, version: int) -> str:
    return f"{deployment}-v{version}"


def routing_table(deployments: Iterable[Deployment], rules: Mapping[str, DeploymentRules]) -> RoutingTable:
    """What the deployments say. rules: by the name of the deployment; one that has none is served by the defaults."""
    routes, pools = [], []
    for deployment in sorted(deployments, key=lambda each: each.name):
        its = rules_of(deployment.name, rules)
        pools += _pools(deployment, its.most)
        if deployment.serving is not None:
            pool = pool_name(deployment.name, deployment.serving.version)
            routes.append(Route(deployment.name, pool, its.rate_limit, its.timeout, _canary(deployment)))
    return RoutingTable(tuple(routes), tuple(pools))


def _canary(deployment: Deployment) -> Share | None:
    if deployment.canary is None or deployment.candidate is None:
        return None
    return Share(pool_name(deployment.name, deployment.candidate.version), deployment.canary.weight)


def _pools(deployment: Deployment, most: int) -> list[Pool]:
    """Those of a proven candidate included: if its rollout died, the front door may lead to them already."""
    answering = deployment.serving.proven if deployment.serving else ()
    answering += deployment.candidate.proven if deployment.candidate else ()
    versions = sorted({replica.version for replica in (*answering, *deployment.retiring)})
    return [
        _pool(
            pool_name(deployment.name, version),
            [replica for replica in answering if replica.version == version],
            [replica for replica in deployment.retiring if replica.version == version],
            most,
        )
        for version in versions
    ]


def _pool(name: str, answering: list[Replica], retiring: list[Replica], most: int) -> Pool:
    """Nothing of a version without a route is marked as draining: what is tried again there must go somewhere."""
    endpoints = [Endpoint(replica.name, replica.http_port) for replica in answering]
    endpoints += [Endpoint(replica.name, replica.http_port, draining=bool(answering)) for replica in retiring]
    return Pool(name, tuple(sorted(endpoints, key=lambda endpoint: endpoint.name)), most)
