"""What containers need before the services start: users, rules and topics of Kafka, the bucket, Envoy's files.

Run as `python -m murmur_runtime.servers`. The code is that of `murmur up`; each step may be repeated, so that an
interrupted one is simply run again.
"""

import asyncio
import json
import logging
import sys

import fsspec
import structlog
from aiokafka.errors import KafkaError

from murmur_access import AccessError, BrokerAccess
from murmur_access.broker import BrokerSettings, broker_access
from murmur_access.private import read_private
from murmur_access.rules import rules, users
from murmur_runtime import broker_rules, envoy
from murmur_runtime.errors import RuntimeProblem
from murmur_runtime.home import Home, write_atomically
from murmur_runtime.settings import BROKERS_OF_SERVERS, SERVICE_OFFSETS, FlockSettings
from murmur_runtime.topics import create_topics

SERVICE_PORT = 8000
"""Where every service listens in its own container."""

log = structlog.get_logger()

LOOKED_AT = 4
"""From the front door's port to the one where the deployer, in another container, asks Envoy what it routes."""


async def prepare(settings: FlockSettings, brokers: BrokerAccess | str, *, copies: int = BROKERS_OF_SERVERS) -> None:
    """brokers: as their administrator. Raises RulesNotApplied, TopicsNotCreated, KafkaError, OSError, AccessError."""
    home = Home(settings.home)
    front_door(settings, home)
    make_bucket(settings.artifacts)
    access = broker_access(brokers)
    if access.protocol.asks_who:
        await asyncio.to_thread(broker_rules.apply_to, access, _passwords(access), rules())
    created = await create_topics(access, copies=copies)
    log.info("servers prepared", topics=created, artifacts=settings.artifacts)


def _passwords(access: BrokerAccess) -> dict[str, str]:
    """Of every Kafka user, each from a file beside the administrator's: `kafka_<user>`."""
    assert access.password_file is not None
    return {user: read_private(access.password_file.with_name(f"kafka_{user}")) for user in users()}


def front_door(settings: FlockSettings, home: Home) -> None:
    """Envoy's files, in the folder that it shares with the deployer. It logs requests to its standard output."""
    open_door = settings.model_copy(update={"host": "0.0.0.0"})  # the address inside of its container
    upstreams = [_upstream(name) for name in SERVICE_OFFSETS]
    envoy.prepare(open_door, home, upstreams)
    bootstrap = envoy.bootstrap(open_door, home, access_log="/dev/stdout")
    listener, admin = envoy.looked_at(open_door, settings.port + LOOKED_AT)
    bootstrap["static_resources"]["listeners"].append(listener)
    bootstrap["static_resources"]["clusters"] = [admin]
    write_atomically(home.envoy / "bootstrap.json", json.dumps(bootstrap, indent=1) + "\n")


def make_bucket(artifacts: str) -> None:
    """The bucket of an `s3://bucket/prefix`, if it is not there. Raises OSError."""
    files, path = fsspec.core.url_to_fs(artifacts)
    bucket = path.split("/")[0]
    if "s3" in files.protocol and not files.exists(bucket):
        files.mkdir(bucket)


def _upstream(name: str) -> envoy.Upstream:
    """By its name, which the network resolves to all of its replicas."""
    console = name == "console"
    return envoy.Upstream(name, SERVICE_PORT, "/" if console else f"/{name}/", websockets=console, host=name)


def main() -> int:
    logging.basicConfig(level=logging.ERROR)
    try:
        asyncio.run(prepare(FlockSettings(), BrokerSettings().broker_access))
    except (RuntimeProblem, AccessError, KafkaError, OSError) as error:
        log.error("servers not prepared", reason=str(error), advice=getattr(error, "advice", "it is tried again"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
