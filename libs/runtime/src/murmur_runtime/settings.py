"""Where a flock lives and listens: everything else (ports, directories, addresses) is derived from these few values."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from murmur_access.binding import AuthMode, is_loopback, refuse_open_listener
from murmur_access.broker import BrokerAccess, KafkaProtocol
from murmur_access.rules import OPERATOR
from murmur_runtime.vault import Vault

SERVICE_OFFSETS = {
    "tracking": 10,
    "registry": 11,
    "trainer": 12,
    "validator": 13,
    "deployer": 14,
    "monitor": 15,
    "console": 16,
    "audit": 17,
}
ALONE = frozenset({"audit"})
"""Services of which one process runs in every set-up: a ledger has one writer."""
MODEL_SERVERS = range(100, 200)
BROKERS_OF_SERVERS = 3
"""With one of them away, two still hold every record: enough for acks=all with min.insync.replicas=2."""
_MORE_BROKERS = 4
_NEXT_REPLICA = 20


class Profile(StrEnum):
    EMBEDDED = "embedded"
    """One broker, one process of each service, SQLite: for one person's machine."""
    SERVERS = "servers"
    """What several servers would run: three brokers, replicas of each service, MongoDB."""


class Durability(StrEnum):
    PROCESS = "process"
    """Nothing acknowledged is lost when processes are killed: the page cache outlives them."""
    POWER = "power"
    """Nothing acknowledged is lost when the machine loses power: the broker flushes each batch."""


@dataclass(frozen=True)
class Ports:
    """All ports of a flock, counted from its front door."""

    front_door: int

    @property
    def broker(self) -> int:
        return self.front_door + 1

    @property
    def controller(self) -> int:
        return self.front_door + 2

    def node(self, number: int) -> tuple[int, int]:
        """Broker and controller port of the n-th Kafka node, from 1."""
        if number == 1:
            return self.broker, self.controller
        first = self.front_door + _MORE_BROKERS + 2 * (number - 2)
        return first, first + 1

    @property
    def envoy_admin(self) -> int:
        return self.front_door + 3

    def service(self, name: str, replica: int = 0) -> int:
        """Raises KeyError for a name that is no service."""
        return self.front_door + SERVICE_OFFSETS[name] + _NEXT_REPLICA * replica


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "murmuration"


class FlockSettings(BaseSettings):
    """Read from the environment, prefix MURMUR_.

    broker_memory: heap of the broker's JVM, as -Xmx takes it
    maven_mirror:  address of a Maven repository to use instead of Maven Central
    cache:         where downloads that flocks share are kept (default: $XDG_CACHE_HOME or ~/.cache, /murmuration)
    store:         mongodb://… for the stores of all services (default: an SQLite file for each)
    artifacts:     s3://… for the artifacts (default: a folder of the home)
    replicas:      processes of each service in the servers profile
    host:          where the front door listens; all else stays on loopback behind it
    auth:          whether callers must show a token; tokens: the file that knows them
    secure:        users and rules at the broker, tokens at the front door; a home that was secure once stays so
    tls_cert, tls_key:     PEM files; with both, the front door speaks TLS only
    tls_ca:                whom this machine's own clients trust at the front door (default: tls_cert)
    kafka_cert, kafka_key: PEM files; with both, a secure broker speaks TLS only; kafka_ca: whom its clients trust
    """

    model_config = SettingsConfigDict(env_prefix="MURMUR_", frozen=True, extra="ignore")

    home: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Path(".murmur")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1024, le=65535 - MODEL_SERVERS.stop)] = 8080
    broker_memory: Annotated[str, Field(pattern=r"^\d+[mMgG]$")] = "512m"
    durability: Durability = Durability.PROCESS
    maven_mirror: str | None = None
    profile: Profile = Profile.EMBEDDED
    store: str = ""
    artifacts: str = ""
    replicas: Annotated[int, Field(ge=1, le=4)] = 2
    cache: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Field(default_factory=_cache)

    secure: bool = False
    auth: AuthMode | None = None
    tokens: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    kafka_cert: Path | None = None
    kafka_key: Path | None = None
    kafka_ca: Path | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_open_listener(self.host, self.auth_mode)
        for what, pair in {"TLS": (self.tls_cert, self.tls_key), "KAFKA": (self.kafka_cert, self.kafka_key)}.items():
            if (pair[0] is None) != (pair[1] is None):
                raise ValueError(f"MURMUR_{what}_CERT and MURMUR_{what}_KEY go together: one of them is missing")
        if self.kafka_cert and not self.secured:
            raise ValueError("MURMUR_KAFKA_CERT is for a broker that asks who its clients are: murmur up --secure")
        return self

    @property
    def vault(self) -> Vault:
        return Vault(self.home / "secrets")

    @property
    def secured(self) -> bool:
        """Whether the broker asks who its clients are."""
        return self.secure or self.vault.has_users

    @property
    def auth_mode(self) -> AuthMode:
        """A home that has tokens asks for them, unless it is told not to."""
        return self.auth or ("tokens" if self.secured or self.tokens_file.exists() else "off")

    @property
    def tokens_file(self) -> Path:
        return self.tokens or self.vault.tokens

    @property
    def kafka_protocol(self) -> KafkaProtocol:
        if not self.secured:
            return KafkaProtocol.PLAINTEXT
        return KafkaProtocol.SASL_SSL if self.kafka_cert else KafkaProtocol.SASL_PLAINTEXT

    def access_as(self, user: str) -> BrokerAccess:
        """A user's way to the embedded broker; where it asks nobody, the user does not matter."""
        if not self.secured:
            return BrokerAccess(brokers=self.brokers)
        return BrokerAccess(
            brokers=self.brokers,
            protocol=self.kafka_protocol,
            user=user,
            password_file=self.vault.password_file(user),
            ca=(self.kafka_ca or self.kafka_cert),
        )

    @property
    def operator_access(self) -> BrokerAccess:
        return self.access_as(OPERATOR)

    @property
    def inner_host(self) -> str:
        """Where everything but the front door listens: never beyond this machine."""
        return self.host if is_loopback(self.host) else "127.0.0.1"

    @property
    def ports(self) -> Ports:
        return Ports(self.port)

    @model_validator(mode="after")
    def _shared_store(self) -> Self:
        if self.copies > 1 and not self.store.startswith("mongodb"):
            raise ValueError(
                f"{self.copies} replicas of a service cannot share an SQLite file: give --store mongodb://… "
                "(MURMUR_STORE), or MURMUR_REPLICAS=1"
            )
        return self

    @property
    def copies(self) -> int:
        """How many processes of each service that may have several."""
        return self.replicas if self.profile is Profile.SERVERS else 1

    def copies_of(self, service: str) -> int:
        """How many processes of this one."""
        return 1 if service in ALONE else self.copies

    @property
    def nodes(self) -> range:
        """The numbers of the Kafka nodes."""
        return range(1, 1 + (BROKERS_OF_SERVERS if self.profile is Profile.SERVERS else 1))

    @property
    def brokers(self) -> str:
        return ",".join(f"{self.inner_host}:{self.ports.node(number)[0]}" for number in self.nodes)

    @property
    def front_door(self) -> str:
        """As clients on this machine reach it."""
        reached = self.inner_host if self.host in ("0.0.0.0", "::") else self.host
        return f"{'https' if self.tls_cert else 'http'}://{reached}:{self.port}"

    @property
    def envoy_admin(self) -> str:
        return f"http://{self.inner_host}:{self.ports.envoy_admin}"
