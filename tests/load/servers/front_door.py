"""Envoy before replicas of ours, with the configuration that the deployer writes."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from murmur_deployer.domain.routing import Endpoint, Pool, Route, RoutingTable
from murmur_deployer.envoy.router import EnvoyRouter
from murmur_runtime import envoy
from murmur_runtime.home import Home
from murmur_runtime.settings import FlockSettings
from servers.loading import CORE
from servers.starting import Server, free_port


@contextmanager
def front_door(replicas: list[Server], home: Path) -> Iterator[Server]:
    """As a server: what is asked of it is asked of one of the replicas. Envoy has the generators' core."""
    settings = FlockSettings(home=home / f"front-door-{len(replicas)}", port=free_port())
    place = Home(settings.home)
    place.create()
    envoy.prepare(settings, place, [envoy.Upstream("console", settings.ports.service("console"), "/")])
    with place.log("envoy").open("wb") as log:
        process = subprocess.Popen(["taskset", "-c", CORE, *envoy.command(place)], stdout=log, stderr=log)
    try:
        asyncio.run(_lead_to(replicas, settings, place))
        url = f"{settings.front_door}/v2/models/fraud/infer"
        yield replace(replicas[0], name=f"Envoy, {len(replicas)}", url=url, process=process)
    finally:
        process.kill()
        process.wait()


async def _lead_to(replicas: list[Server], settings: FlockSettings, place: Home) -> None:
    endpoints = tuple(Endpoint(one.name.replace(" ", "-"), urlsplit(one.url).port or 0) for one in replicas)
    table = RoutingTable((Route("fraud", "fraud-v1"),), (Pool("fraud-v1", endpoints, most=len(endpoints)),))
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        await EnvoyRouter(place.envoy, http, admin=settings.envoy_admin).apply(table)
