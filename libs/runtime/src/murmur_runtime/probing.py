"""Asks a process whether it is ready, by the means that its spec names.

With the standard library's HTTP client: the supervisor is the one process whose start everybody waits for.
"""

import asyncio
import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from aiokafka.errors import KafkaError

from murmur_access import AccessError
from murmur_runtime import broker_rules, kafka
from murmur_runtime.errors import RulesNotApplied, TopicsNotCreated
from murmur_runtime.processes import BrokerProbe, HttpProbe, Probe
from murmur_runtime.topics import create_topics
from murmur_runtime.vault import Vault

_PATIENCE_SECONDS = 3.0


async def why_not_ready(probe: Probe) -> str | None:
    """None when ready, else the reason in a few words. Raises nothing for a process that is away or ill."""
    match probe:
        case BrokerProbe():
            return await _broker(probe)
        case HttpProbe(url=url):
            return await asyncio.to_thread(_http, url)


async def _broker(probe: BrokerProbe) -> str | None:
    reason = await kafka.answers(probe.access, node=probe.node)
    if reason is not None:
        return reason
    vault = Vault(probe.vault) if probe.vault else None
    try:
        if vault is not None and not broker_rules.up_to_date(vault):
            await asyncio.to_thread(broker_rules.apply, probe.access, vault)
        await create_topics(probe.access, copies=probe.copies)
    except (KafkaError, OSError, TopicsNotCreated, RulesNotApplied, AccessError) as error:
        return str(error)
    return None


def _http(url: str) -> str | None:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=_PATIENCE_SECONDS)
    with closing(connection):
        try:
            connection.request("GET", address.path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            return f"{url} does not answer: {error or type(error).__name__}"
    return None if response.status == 200 else _failed_checks(body) or f"{url} answers {response.status}"


def _failed_checks(body: bytes) -> str:
    """The checks of a /readyz body that are not ok; nothing when the body is something else."""
    try:
        checks = json.loads(body)["checks"]
        return "; ".join(f"{name}: {check['detail']}" for name, check in checks.items() if not check["ok"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
