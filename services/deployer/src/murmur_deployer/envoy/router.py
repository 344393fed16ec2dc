"""Tells Envoy where models are served, and believes it only when Envoy itself says so."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import structlog

from murmur_deployer.domain.replicas import Replica
from murmur_deployer.domain.routing import RoutingTable, pool_name
from murmur_deployer.domain.traffic import Traffic
from murmur_deployer.envoy import config
from murmur_deployer.envoy.admin import EnvoyAdmin, Hosts
from murmur_deployer.ports import RouteNotApplied

log = structlog.get_logger()

_LOOK_EVERY = 0.02
_AGAIN_AFTER = 1.0


class EnvoyRouter:
    """Implements Router with the files that Envoy watches (CDS, EDS and RDS) and its admin interface.

    Endpoints are applied before the clusters that have them, clusters before the routes that lead to them. Clusters of
    the table before leave only when Envoy says that it has the new routes, whatever that table was and whoever died
    after he had applied it: at no moment does a route lead to a cluster that Envoy does not know.
    """

    def __init__(
        self, directory: Path, http: httpx.AsyncClient, *, admin: str, host: str = "127.0.0.1", seconds: float = 10.0
    ) -> None:
        """seconds: how long Envoy may take to apply a file."""
        self._directory = directory
        self._endpoints = directory / "endpoints"
        self._clusters = directory / "clusters.json"
        self._routes = directory / "routes.json"
        self._admin = EnvoyAdmin(http, admin)
        self._host = host
        self._seconds = seconds
        self._verified: tuple[RoutingTable, str] | None = None

    async def apply(self, table: RoutingTable) -> None:
        address = await self._address()
        wanted = config.clusters(self._base("clusters"), table, endpoints=self._endpoints)
        routes = config.routes(self._base("routes"), table)
        self._endpoints.mkdir(parents=True, exist_ok=True)
        changed = [
            self._write(config.endpoints_file(self._endpoints, pool.name), config.endpoints(pool, address=address))
            for pool in table.pools
        ]
        at_first = config.with_clusters(wanted, await self._leaving(wanted))
        changed.append(self._write(self._clusters, at_first))
        unknown = self._verified != (table, address)
        if any(changed) or unknown:
            await self._until_clusters(at_first)
            files = [config.endpoints_file(self._endpoints, pool.name) for pool in table.pools]
            await self._until("endpoints", _hosts(table, address), self._admin.hosts, files)
        changed.append(self._write(self._routes, routes))
        if any(changed) or unknown:
            await self._until("routes", routes["version_info"], self._admin.version_of_routes, [self._routes])
            await self._forget_all_but(table, wanted)
        self._verified = (table, address)

    async def _leaving(self, wanted: config.Discovery) -> list[config.Cluster]:
        """Clusters that are not wanted, and to which Envoy may be leading. One that it refused is none of them: it
        would be refused for ever, and all others with it."""
        names = {cluster["name"] for cluster in wanted["resources"]}
        found = [
            cluster
            for cluster in config.clusters_in(_text(self._clusters), endpoints=self._endpoints)
            if cluster["name"] not in names
        ]
        if not found or isinstance(known := await self._admin.hosts(), str):
            return found
        led_to = _text(self._routes)
        return [each for each in found if each["name"] in known or json.dumps(each["name"]) in led_to]

    async def _forget_all_but(self, table: RoutingTable, wanted: config.Discovery) -> None:
        """No route leads to the others any more. Should Envoy keep them for a while, the table is applied no less."""
        if self._write(self._clusters, wanted):
            try:
                await self._until_clusters(wanted)
            except RouteNotApplied as error:
                log.warning("clusters without a route not removed", reason=str(error))
                return
        kept = {config.endpoints_file(self._endpoints, pool.name).name for pool in table.pools}
        for path in self._endpoints.glob("*.json"):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    async def traffic(self) -> Mapping[str, Traffic]:
        found = await self._admin.traffic(config.cluster_name(""))
        return {name.removeprefix(config.cluster_name("")): each for name, each in found.items()}

    async def active_requests(self, replica: Replica) -> int | None:
        cluster = config.cluster_name(pool_name(replica.deployment, replica.version))
        return await self._admin.active_requests(cluster, replica.http_port)

    async def _address(self) -> str:
        """Endpoints are addresses. A name is looked up each time, since a container may come back with another."""
        host = "127.0.0.1" if self._host == "localhost" else self._host
        if config.is_address(host):
            return host
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None)
        except OSError as error:
            raise RouteNotApplied(f"the host {host!r} of model servers has no address: {error}") from error
        return str(found[0][4][0])

    def _base(self, name: str) -> config.Discovery:
        path = self._directory / f"{name}.base.json"
        try:
            base: config.Discovery = json.loads(path.read_text())
        except FileNotFoundError:
            raise RouteNotApplied(
                f"{str(path)!r} is missing: it is written when the flock starts (murmur up)"
            ) from None
        return base

    def _write(self, path: Path, content: config.Discovery) -> bool:
        """Whether the file had to be changed. Envoy sees the rename, never half a file."""
        text = json.dumps(content, indent=1) + "\n"
        if _text(path) == text:
            return False
        self._put(path, text)
        self._verified = None
        return True

    def _put(self, path: Path, text: str) -> None:
        draft = path.with_name(f".{path.stem}.{os.getpid()}.deployer.tmp")
        try:
            draft.write_text(text)
            draft.replace(path)
        except OSError as error:
            raise RouteNotApplied(f"{str(path)!r} cannot be written: {error.strerror}") from error

    async def _until_clusters(self, clusters: config.Discovery) -> None:
        await self._until("clusters", clusters["version_info"], self._admin.version_of_clusters, [self._clusters])

    async def _until(
        self, what: str, wanted: object, look: Callable[[], Awaitable[Any]], files: Sequence[Path]
    ) -> None:
        """Returns once Envoy reports it. Raises RouteNotApplied with what it reports instead.

        The files are put there again from time to time: one that starts reads a file before it watches it.
        """
        found: Any = "nothing"
        loop = asyncio.get_running_loop()
        put = loop.time()
        try:
            async with asyncio.timeout(self._seconds):
                while not _includes(found := await look(), wanted):
                    await asyncio.sleep(_LOOK_EVERY)
                    if loop.time() - put > _AGAIN_AFTER:
                        put = loop.time()
                        for path in files:
                            self._put(path, path.read_text())
        except TimeoutError:
            raise RouteNotApplied(
                f"Envoy ({self._admin.address}) did not apply version {wanted!r} of {what} within"
                f" {self._seconds:g} s, it has {found}: see envoy.log"
            ) from None


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _hosts(table: RoutingTable, address: str) -> Hosts:
    return {
        config.cluster_name(pool.name): {
            (address, endpoint.port): "DRAINING" if endpoint.draining else "HEALTHY" for endpoint in pool.endpoints
        }
        for pool in table.pools
    }


def _includes(found: Any, wanted: object) -> bool:
    """Of clusters, all that are wanted must be as wanted; the platform's own are there besides."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(found.get(name) == hosts for name, hosts in wanted.items())
    return bool(found == wanted)
