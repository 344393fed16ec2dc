"""Tells Envoy where models are served, and believes it only when Envoy itself says so."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx

from murmur_deployer.domain.routing import RoutingTable
from murmur_deployer.envoy import config
from murmur_deployer.ports import RouteNotApplied

_LOOK_EVERY = 0.02
_ROUTES_DUMP = "type.googleapis.com/envoy.admin.v3.RoutesConfigDump"
_CLUSTERS_DUMP = "type.googleapis.com/envoy.admin.v3.ClustersConfigDump"


class EnvoyRouter:
    """Implements Router with the files that Envoy watches (CDS and RDS) and its admin interface.

    Clusters are applied before the routes that lead to them. One that no route leads to any more is left out only in a
    later table, so that requests under way on it are answered.
    """

    def __init__(
        self, directory: Path, http: httpx.AsyncClient, *, admin: str, host: str = "127.0.0.1", seconds: float = 10.0
    ) -> None:
        """seconds: how long Envoy may take to apply a file."""
        self._directory = directory
        self._http = http
        self._admin = admin
        self._host = host
        self._seconds = seconds
        self._verified: RoutingTable | None = None

    async def apply(self, table: RoutingTable) -> None:
        clusters = config.clusters(self._base("clusters"), table, host=self._host)
        routes = config.routes(self._base("routes"), table)
        changed = [self._write("clusters", clusters)]
        if changed[0] or table != self._verified:
            await self._applied(_CLUSTERS_DUMP, clusters["version_info"])
        changed.append(self._write("routes", routes))
        if any(changed) or table != self._verified:
            await self._applied(_ROUTES_DUMP, routes["version_info"])
        self._verified = table

    async def active_requests(self, replica: str) -> int | None:
        name = f"cluster.{config.cluster_name(replica)}.upstream_rq_active"
        try:
            answer = await self._http.get(f"{self._admin}/stats", params={"filter": f"^{name}$", "format": "json"})
            values = {stat["name"]: stat["value"] for stat in answer.json()["stats"] if "name" in stat}
        except (httpx.TransportError, ValueError, KeyError):
            return None
        return int(values[name]) if name in values else None

    def _base(self, name: str) -> config.Discovery:
        path = self._directory / f"{name}.base.json"
        try:
            base: config.Discovery = json.loads(path.read_text())
        except FileNotFoundError:
            raise RouteNotApplied(
                f"{str(path)!r} is missing: it is written when the flock starts (murmur up)"
            ) from None
        return base

    def _write(self, name: str, content: config.Discovery) -> bool:
        """Whether the file had to be changed. Envoy sees the rename, never half a file."""
        path = self._directory / f"{name}.json"
        text = json.dumps(content, indent=1) + "\n"
        if path.exists() and path.read_text() == text:
            return False
        draft = path.with_name(f".{name}.{os.getpid()}.deployer.tmp")
        try:
            draft.write_text(text)
            draft.replace(path)
        except OSError as error:
            raise RouteNotApplied(f"{str(path)!r} cannot be written: {error.strerror}") from error
        self._verified = None
        return True

    async def _applied(self, dump: str, version: str) -> None:
        """Returns once Envoy reports the version. Raises RouteNotApplied with what it reports instead."""
        found = "nothing"
        try:
            async with asyncio.timeout(self._seconds):
                while (found := await self._version(dump)) != version:  # noqa: ASYNC110  Envoy tells when asked, not by itself
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            raise RouteNotApplied(
                f"Envoy ({self._admin}) did not apply version {version!r} of {dump.rpartition('.')[2]} within"
                f" {self._seconds:g} s, it has {found}: see envoy.log"
            ) from None

    async def _version(self, dump: str) -> str:
        try:
            answer = await self._http.get(f"{self._admin}/config_dump")
            parts: list[dict[str, Any]] = answer.json()["configs"]
        except (httpx.TransportError, ValueError, KeyError) as error:
            return f"no answer ({type(error).__name__})"
        part = next((each for each in parts if each["@type"] == dump), {})
        if dump == _CLUSTERS_DUMP:
            return str(part.get("version_info", ""))
        dynamic = part.get("dynamic_route_configs", [])
        return str(dynamic[0].get("version_info", "")) if dynamic else ""
