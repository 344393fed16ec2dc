"""What Envoy's admin interface tells of routes, clusters and their hosts; asked, it changes nothing."""

from typing import Any

import httpx

from murmur_deployer.domain.traffic import Buckets, Traffic

Hosts = dict[str, dict[tuple[str, int], str]]
"""Of each cluster, its hosts (address, port) and whether they get requests: HEALTHY or DRAINING."""

_REQUESTS, _LATENCY = "upstream_rq_total", "upstream_rq_time"
_ROUTES_DUMP = "type.googleapis.com/envoy.admin.v3.RoutesConfigDump"
_CLUSTERS_VERSION = r"cluster_manager\.cds\.version_text"


class EnvoyAdmin:
    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self._http = http
        self.address = address

    async def version_of_clusters(self) -> str:
        """Of the file that it has applied, or why that cannot be told. The dump's own version is not of a file in which
        no cluster has changed."""
        try:
            answer = await self._http.get(
                f"{self.address}/stats", params={"format": "json", "filter": f"^{_CLUSTERS_VERSION}$"}
            )
            return next((str(stat["value"]) for stat in answer.json()["stats"] if "name" in stat), "")
        except (httpx.TransportError, ValueError, KeyError) as error:
            return f"no answer ({type(error).__name__})"

    async def version_of_routes(self) -> str:
        part = await self._dump(_ROUTES_DUMP)
        if isinstance(part, str):
            return part
        dynamic = part.get("dynamic_route_configs", [])
        return str(dynamic[0].get("version_info", "")) if dynamic else ""

    async def hosts(self) -> Hosts | str:
        """Of all clusters that are ready for requests, or why that cannot be told."""
        try:
            return {
                cluster["name"]: {_place(host): _health(host) for host in cluster.get("host_statuses", [])}
                for cluster in await self._clusters()
            }
        except (httpx.TransportError, ValueError, KeyError) as error:
            return f"no answer ({type(error).__name__})"

    async def active_requests(self, cluster: str, port: int) -> int | None:
        """Those that a host has not answered yet; None if that cannot be told."""
        try:
            hosts = [
                host
                for each in await self._clusters()
                if each["name"] == cluster
                for host in each.get("host_statuses", [])
                if _place(host)[1] == port
            ]
        except (httpx.TransportError, ValueError, KeyError):
            return None
        stats = {stat["name"]: int(stat.get("value", 0)) for host in hosts for stat in host["stats"]}
        return stats.get("rq_active")

    async def traffic(self, prefix: str) -> dict[str, Traffic]:
        """Of each cluster whose name begins so; empty if that cannot be told."""
        wanted = rf"^cluster\.{prefix}[^.]+\.({_REQUESTS}|{_LATENCY})$"
        query = {"format": "json", "histogram_buckets": "cumulative", "filter": wanted}
        try:
            answer = await self._http.get(f"{self.address}/stats", params=query)
            stats: list[dict[str, Any]] = answer.json()["stats"]
            requests = {_cluster(stat["name"]): int(stat["value"]) for stat in stats if "name" in stat}
            histograms = [each for stat in stats for each in stat.get("histograms", [])]
            latency = {_cluster(each["name"]): _buckets(each["buckets"]) for each in histograms}
        except (httpx.TransportError, ValueError, KeyError, TypeError):
            return {}
        return {name: Traffic(count, latency.get(name, ())) for name, count in requests.items()}

    async def _clusters(self) -> list[dict[str, Any]]:
        answer = await self._http.get(f"{self.address}/clusters", params={"format": "json"})
        found: list[dict[str, Any]] = answer.json()["cluster_statuses"]
        return found

    async def _dump(self, dump: str) -> dict[str, Any] | str:
        try:
            answer = await self._http.get(f"{self.address}/config_dump")
            parts: list[dict[str, Any]] = answer.json()["configs"]
        except (httpx.TransportError, ValueError, KeyError) as error:
            return f"no answer ({type(error).__name__})"
        return next((each for each in parts if each["@type"] == dump), {})


def _cluster(stat: str) -> str:
    return stat.removeprefix("cluster.").rpartition(".")[0]


def _buckets(buckets: list[dict[str, Any]]) -> Buckets:
    return tuple((float(each["upper_bound"]), int(each["cumulative"])) for each in buckets)


def _place(host: dict[str, Any]) -> tuple[str, int]:
    address = host["address"]["socket_address"]
    return str(address["address"]), int(address["port_value"])


def _health(host: dict[str, Any]) -> str:
    """As the endpoints' file says it, whatever Envoy thinks of the host besides."""
    return str(host.get("health_status", {}).get("eds_health_status", ""))
