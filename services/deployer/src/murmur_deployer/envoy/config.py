"""Envoy's own words for a routing table, put before what the platform itself needs."""

import hashlib
import ipaddress
import json
from typing import Any

from murmur_deployer.domain.routing import Endpoint, RoutingTable
from murmur_serving.config import BATCH_HEADER, PROBE_HEADER

Discovery = dict[str, Any]
"""A DiscoveryResponse as JSON: version_info and resources."""

_PREFIX = "model-server/"
_TYPE = "type.googleapis.com/envoy"


def cluster_name(replica: str) -> str:
    return f"{_PREFIX}{replica}"


def clusters(base: Discovery, table: RoutingTable, *, host: str) -> Discovery:
    """The platform's clusters and one for each replica."""
    return _versioned([*base["resources"], *(_cluster(endpoint, host) for endpoint in table.endpoints)])


def routes(base: Discovery, table: RoutingTable) -> Discovery:
    """The platform's routes, preceded by those of the deployments; a model that nothing serves is answered 404."""
    [configuration] = base["resources"]
    [host] = configuration["virtual_hosts"]
    ours = [_route(deployment, replica) for deployment, replica in table.routes]
    changed = {**host, "routes": [*ours, _NOT_DEPLOYED, *host["routes"]]}
    return _versioned([{**configuration, "virtual_hosts": [changed]}])


def _versioned(resources: list[dict[str, Any]]) -> Discovery:
    """The same content has the same version, so that a version which Envoy reports says what it routes."""
    digest = hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()
    return {"version_info": digest[:16], "resources": resources}


def _cluster(endpoint: Endpoint, host: str) -> dict[str, Any]:
    name = cluster_name(endpoint.name)
    address: Discovery = {
        "socket_address": {"address": "127.0.0.1" if host == "localhost" else host, "port_value": endpoint.port}
    }
    return {
        "@type": f"{_TYPE}.config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC" if _is_address(address["socket_address"]["address"]) else "STRICT_DNS",
        "connect_timeout": "1s",
        "circuit_breakers": {"thresholds": [{"max_retries": 1000}]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True


def _route(deployment: str, replica: str) -> dict[str, Any]:
    return {
        "name": f"{_PREFIX}{deployment}",
        "match": {"path_separated_prefix": f"/v2/models/{deployment}"},
        "request_headers_to_remove": [PROBE_HEADER, BATCH_HEADER],
        "route": {
            "cluster": cluster_name(replica),
            "timeout": "30s",
            # A prediction changes nothing, so any may be asked again: while a killed replica comes back, clients wait.
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,reset",
                "num_retries": 40,  # more than fit into the timeout, which is what ends the waiting
                "retry_back_off": {"base_interval": "0.1s", "max_interval": "2s"},
            },
        },
    }


_NOT_DEPLOYED: dict[str, Any] = {
    "name": "not-deployed",
    "match": {"prefix": "/v2/"},
    "direct_response": {
        "status": 404,
        "body": {"inline_string": '{"error": "no model of that name is deployed: see /deployer/v1/deployments"}'},
    },
    "response_headers_to_add": [{"header": {"key": "content-type", "value": "application/json"}}],
}
