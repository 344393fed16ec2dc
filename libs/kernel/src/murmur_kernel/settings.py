"""What a service is told by its environment: `murmur up` sets it all, the defaults suit one started by hand."""

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class KernelSettings(BaseSettings):
    """The settings that every service has. A service's own ones are fields of a subclass."""

    model_config = SettingsConfigDict(env_prefix="MURMUR_", extra="ignore")

    home: Path = Path(".murmur")
    host: str = "127.0.0.1"
    service_port: int = 0
    brokers: str = "127.0.0.1:8081"
    front_door: str = "http://127.0.0.1:8080"
    store: str = ""
    artifacts: str = ""
    replica: int = 0
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    patience_seconds: float = Field(default=300, gt=0, description="how long a parked event waits")
    job_lease_seconds: float = Field(default=10, gt=0)

    @field_validator("host")
    @classmethod
    def _loopback(cls, host: str) -> str:
        """No listener leaves the machine while nobody is asked who they are."""
        try:
            loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise ValueError(
                f"MURMUR_HOST={host!r} is not a loopback address: this release has no authentication yet,"
                f" so it listens on 127.0.0.1 only"
            )
        return host

    def store_url(self, service: str) -> str:
        return self.store or f"sqlite:///{self.home.resolve()}/stores/{service}.db"

    @property
    def artifacts_url(self) -> str:
        return self.artifacts or f"file://{self.home.resolve()}/artifacts"
