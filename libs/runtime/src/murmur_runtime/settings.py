"""Where a flock lives and listens: everything else (ports, directories, addresses) is derived from these few values."""

import ipaddress
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

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
MODEL_SERVERS = range(100, 200)


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

    @property
    def envoy_admin(self) -> int:
        return self.front_door + 3

    @property
    def model_servers(self) -> range:
        return range(self.front_door + MODEL_SERVERS.start, self.front_door + MODEL_SERVERS.stop)

    def service(self, name: str) -> int:
        """Raises KeyError for a name that is no service."""
        return self.front_door + SERVICE_OFFSETS[name]


def _loopback(host: str) -> str:
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError(
            f"{host!r} is not a loopback address, and the embedded flock has no authentication: "
            "leave MURMUR_HOST at 127.0.0.1 and put a proxy of your own in front"
        )
    return host


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "murmuration"


class FlockSettings(BaseSettings):
    """Read from the environment, prefix MURMUR_.

    broker_memory: heap of the broker's JVM, as -Xmx takes it
    maven_mirror:  address of a Maven repository to use instead of Maven Central
    cache:         where downloads that flocks share are kept (default: $XDG_CACHE_HOME or ~/.cache, /murmuration)
    """

    model_config = SettingsConfigDict(env_prefix="MURMUR_", frozen=True, extra="ignore")

    home: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Path(".murmur")
    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1024, le=65535 - MODEL_SERVERS.stop)] = 8080
    broker_memory: Annotated[str, Field(pattern=r"^\d+[mMgG]$")] = "512m"
    durability: Durability = Durability.PROCESS
    maven_mirror: str | None = None
    cache: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Field(default_factory=_cache)

    @property
    def ports(self) -> Ports:
        return Ports(self.port)

    @property
    def brokers(self) -> str:
        return f"{self.host}:{self.ports.broker}"

    @property
    def front_door(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def envoy_admin(self) -> str:
        return f"http://{self.host}:{self.ports.envoy_admin}"
