"""Envoy's own words for a routing table, put before what the platform itself needs."""

import hashlib
import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from murmur_deployer.domain.routing import Pool, Route, RoutingTable
from murmur_deployer.envoy.resilience import (
    CLUSTER,
    RATE_LIMIT_FILTER,
    circuit_breakers,
    duration,
    rate_limit,
    retry_policy,
)
from murmur_serving.config import BATCH_HEADER, PROBE_HEADER

Discovery = dict[str, Any]
"""A DiscoveryResponse as JSON: version_info and resources."""
Cluster = dict[str, Any]

_PREFIX = "model-server/"
_WHOLE = 10_000
"""Parts of the requests of a route."""
_TYPE = "type.googleapis.com/envoy"


def cluster_name(pool: str) -> str:
    return f"{_PREFIX}{pool}"


def clusters(base: Discovery, table: RoutingTable, *, endpoints: Path) -> Discovery:
    """The platform's clusters and one for each pool, whose replicas stand in a file of its own below `endpoints`."""
    return _versioned([*base["resources"], *(_cluster(pool, endpoints) for pool in table.pools)])


def with_clusters(discovery: Discovery, more: Sequence[Cluster]) -> Discovery:
    return _versioned([*discovery["resources"], *more]) if more else discovery


def clusters_in(text: str, *, endpoints: Path) -> list[Cluster]:
    """Those of pools in a file of clusters whose replicas are known: Envoy refuses one whose endpoints have no file."""
    try:
        found: list[Cluster] = json.loads(text)["resources"]
        pools = {each["name"].removeprefix(_PREFIX): each for each in found if each["name"].startswith(_PREFIX)}
    except (ValueError, LookupError, TypeError):
        return []
    return [cluster for pool, cluster in pools.items() if endpoints_file(endpoints, pool).exists()]


def endpoints_file(folder: Path, pool: str) -> Path:
    return folder / f"{pool}.json"


def endpoints(pool: Pool, *, address: str) -> Discovery:
    """The replicas of a pool. They come and go without a change of the cluster, which would forget who was ejected."""
    found = [
        {
            "endpoint": {"address": {"socket_address": {"address": address, "port_value": endpoint.port}}},
            "health_status": "DRAINING" if endpoint.draining else "HEALTHY",
        }
        for endpoint in pool.endpoints
    ]
    return _versioned(
        [
            {
                "@type": f"{_TYPE}.config.endpoint.v3.ClusterLoadAssignment",
                "cluster_name": cluster_name(pool.name),
                "endpoints": [{"lb_endpoints": found}],
            }
        ]
    )


def routes(base: Discovery, table: RoutingTable) -> Discovery:
    """The platform's routes, preceded by those of the deployments; a model that nothing serves is answered 404."""
    [configuration] = base["resources"]
    [host] = configuration["virtual_hosts"]
    changed = {**host, "routes": [*map(_route, table.routes), _NOT_DEPLOYED, *host["routes"]]}
    return _versioned([{**configuration, "virtual_hosts": [changed]}])


def is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True


def _versioned(resources: list[dict[str, Any]]) -> Discovery:
    """The same content has the same version, so that a version which Envoy reports says what it routes."""
    digest = hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()
    return {"version_info": digest[:16], "resources": resources}


def _cluster(pool: Pool, folder: Path) -> Cluster:
    path = str(endpoints_file(folder, pool.name))
    return {
        "@type": f"{_TYPE}.config.cluster.v3.Cluster",
        "name": cluster_name(pool.name),
        "type": "EDS",
        "eds_cluster_config": {"eds_config": {"resource_api_version": "V3", "path_config_source": {"path": path}}},
        "circuit_breakers": circuit_breakers(pool.most),
        **CLUSTER,
    }


def _route(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": f"{_PREFIX}{route.deployment}",
        "match": {"path_separated_prefix": f"/v2/models/{route.deployment}"},
        "request_headers_to_remove": [PROBE_HEADER, BATCH_HEADER],
        "route": {
            **_shares(route),
            "timeout": duration(route.timeout),
            "retry_policy": retry_policy(route.timeout),
        },
    }
    if route.rate_limit is not None:
        found["typed_per_filter_config"] = {RATE_LIMIT_FILTER: rate_limit(route.rate_limit)}
    return found


def _shares(route: Route) -> dict[str, Any]:
    if route.canary is None:
        return {"cluster": cluster_name(route.pool)}
    if route.canary.weight == 0:
        mirror = {"cluster": cluster_name(route.canary.pool)}
        return {"cluster": cluster_name(route.pool), "request_mirror_policies": [mirror]}
    weight = round(route.canary.weight * _WHOLE)
    shares = ((route.pool, _WHOLE - weight), (route.canary.pool, weight))
    return {"weighted_clusters": {"clusters": [{"name": cluster_name(pool), "weight": each} for pool, each in shares]}}


_NOT_DEPLOYED: dict[str, Any] = {
    "name": "not-deployed",
    "match": {"prefix": "/v2/"},
    "direct_response": {
        "status": 404,
        "body": {"inline_string": '{"error": "no model of that name is deployed: see /deployer/v1/deployments"}'},
    },
    "response_headers_to_add": [{"header": {"key": "content-type", "value": "application/json"}}],
}
