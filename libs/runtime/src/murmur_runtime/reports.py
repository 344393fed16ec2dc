"""What the services say about themselves: the numbers of /readyz, from all of them at once."""

import asyncio

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from murmur_runtime.flock import Status
from murmur_runtime.processes import Role
from murmur_runtime.settings import FlockSettings


class Check(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    ok: bool
    detail: str = ""


class ServiceReport(BaseModel):
    """lag: events published and not handled yet; outbox: committed and not published yet; parked: waiting for another
    event; jobs: how many in which state."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: str
    ready: bool
    checks: dict[str, Check] = {}
    lag: int = 0
    outbox: int = 0
    outbox_age_s: float = 0.0
    parked: int = 0
    dead_letters: int = 0
    jobs: dict[str, int] = {}


async def reports_of(
    settings: FlockSettings, flock: Status, *, timeout_seconds: float = 3.0
) -> dict[str, ServiceReport]:
    """By name. Services that do not answer, or answer something else, are left out."""
    services = [process for process in flock.processes if process.role is Role.SERVICE]
    async with httpx.AsyncClient(timeout=timeout_seconds, trust_env=False) as client:
        urls = (f"http://{settings.inner_host}:{service.port}/readyz" for service in services)
        found = await asyncio.gather(*(_report(client, url) for url in urls))
    return {service.name: report for service, report in zip(services, found, strict=True) if report is not None}


async def _report(client: httpx.AsyncClient, url: str) -> ServiceReport | None:
    try:
        return ServiceReport.model_validate_json((await client.get(url)).content)
    except (httpx.HTTPError, ValidationError):
        return None
