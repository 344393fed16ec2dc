"""Which processes a flock consists of, how each is started and how one sees that it is ready."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from murmur_access import BrokerAccess
from murmur_access.rules import MODEL_SERVER
from murmur_runtime import envoy, kafka
from murmur_runtime.home import Home
from murmur_runtime.nodes import nodes
from murmur_runtime.settings import SERVICE_OFFSETS, FlockSettings


class Role(StrEnum):
    """Broker and proxy start first, services once the broker is ready; services stop first, the broker last."""

    BROKER = "broker"
    PROXY = "proxy"
    SERVICE = "service"


class HttpProbe(BaseModel):
    """Ready when this address answers 200."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["http"] = "http"
    url: str


class BrokerProbe(BaseModel):
    """Ready when the broker answers a real call, has every topic and, where `vault` is named, every user and rule."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["broker"] = "broker"
    access: BrokerAccess
    vault: Path | None = None
    node: int = 1
    copies: int = 1


Probe: TypeAlias = Annotated[HttpProbe | BrokerProbe, Field(discriminator="kind")]


class ProcessSpec(BaseModel):
    """One process of a flock.

    replica_of:   the service that it is one of several processes of; empty where it is the only one
    environment:  what it gets besides the environment of whoever starts it
    without:      variables that it must not inherit
    stop_seconds: how long it may take to end after SIGTERM
    """

    model_config = ConfigDict(frozen=True)

    name: str
    replica_of: str = ""
    role: Role
    command: tuple[str, ...]
    environment: dict[str, str]
    without: tuple[str, ...] = ()
    port: int
    probe: Probe
    stop_seconds: float = 15

    @property
    def member(self) -> str:
        """What the front door and people call it, whichever replica it is."""
        return self.replica_of or self.name


class Plan(BaseModel):
    """All that a supervisor needs to know, kept in a file so that the next one can go on."""

    model_config = ConfigDict(frozen=True)

    processes: tuple[ProcessSpec, ...]


@dataclass(frozen=True)
class Members:
    """What a flock is made of; tests raise smaller ones."""

    services: tuple[ProcessSpec, ...]
    broker: bool = True
    proxy: bool = True


def all_members(settings: FlockSettings) -> Members:
    """The broker, the front door and the services of the platform."""
    services = (
        service(settings, name, (sys.executable, "-m", f"murmur_{name}"), replica=replica)
        for name in SERVICE_OFFSETS
        for replica in range(settings.copies_of(name))
    )
    return Members(services=tuple(services))


def service(
    settings: FlockSettings, name: str, command: Sequence[str], *, port: int | None = None, replica: int = 0
) -> ProcessSpec:
    """A process that serves GET /readyz on its port; reached through the front door under /<name>/."""
    home = Home(settings.home)
    port = settings.ports.service(name, replica) if port is None else port
    process = name if settings.copies_of(name) == 1 else f"{name}-{replica + 1}"
    return ProcessSpec(
        name=process,
        replica_of="" if process == name else name,
        role=Role.SERVICE,
        command=tuple(command),
        environment={
            **_common(settings, home, process),
            **_access(settings, name),
            "MURMUR_SERVICE_PORT": str(port),
            "MURMUR_REPLICA": str(replica),
            "MURMUR_STORE": settings.store or f"sqlite:///{home.store(name)}",
            "MURMUR_ARTIFACTS": settings.artifacts or f"file://{home.artifacts}",
            "MURMUR_CHANGELOG_REPLICAS": str(len(settings.nodes)),
            "MURMUR_LOG_FORMAT": "json",
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait must not spin: 12 times slower on two busy cores
            "PYTHONUNBUFFERED": "1",
        },
        without=_FRONT_DOORS_OWN,
        port=port,
        probe=HttpProbe(url=f"http://{settings.inner_host}:{port}/readyz"),
    )


def brokers(settings: FlockSettings, home: Home, jars: Sequence[Path]) -> tuple[ProcessSpec, ...]:
    """One process a node of Kafka."""
    return tuple(
        ProcessSpec(
            name=node.name,
            role=Role.BROKER,
            command=tuple(kafka.command(settings, home, jars, node)),
            environment=_common(settings, home, node.name),
            without=kafka.JAVA_VARIABLES,
            port=node.port,
            probe=BrokerProbe(
                access=settings.operator_access.model_copy(update={"brokers": f"{settings.inner_host}:{node.port}"}),
                vault=settings.vault.root if settings.secured else None,
                node=node.number,
                copies=len(settings.nodes),
            ),
            stop_seconds=30,
        )
        for node in nodes(settings, home)
    )


def proxy(settings: FlockSettings, home: Home) -> ProcessSpec:
    return ProcessSpec(
        name="envoy",
        role=Role.PROXY,
        command=tuple(envoy.command(home)),
        environment=_common(settings, home, "envoy"),
        port=settings.port,
        probe=HttpProbe(url=f"{settings.envoy_admin}/ready"),
        stop_seconds=5,
    )


_FRONT_DOORS_OWN = ("MURMUR_TLS_CERT", "MURMUR_TLS_KEY", "MURMUR_TOKEN", "MURMUR_KAFKA_PASSWORD")
"""Behind the front door, on loopback, nobody speaks TLS; and no service acts as whoever started the flock."""


def _access(settings: FlockSettings, name: str) -> dict[str, str]:
    """How a service reaches the broker, and whether callers of its REST API must show a token."""
    trusted = settings.tls_ca or settings.tls_cert
    return {
        **settings.access_as(name).environment(),
        "MURMUR_AUTH": settings.auth_mode,
        "MURMUR_TOKENS": str(settings.tokens_file),
        **({"MURMUR_TLS_CA": str(trusted)} if trusted else {}),
        **_for_model_servers(settings, name),
    }


def _for_model_servers(settings: FlockSettings, name: str) -> dict[str, str]:
    """Model servers are users of their own; the deployer hands them their access."""
    if name != "deployer" or not settings.secured:
        return {}
    return {"MURMUR_SERVING_PASSWORD_FILE": str(settings.vault.password_file(MODEL_SERVER))}


def _common(settings: FlockSettings, home: Home, name: str) -> dict[str, str]:
    return {
        "MURMUR_HOME": str(home.root),
        "MURMUR_FLOCK": home.tag,
        "MURMUR_PROCESS": name,
        "MURMUR_HOST": settings.inner_host,
        "MURMUR_PORT": str(settings.port),
        "MURMUR_FRONT_DOOR": settings.front_door,
        "MURMUR_ENVOY_ADMIN": settings.envoy_admin,
    }
