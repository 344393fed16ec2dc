"""What a service is told by its environment: `murmur up` sets it all, the defaults suit one started by hand."""

import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

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
    otlp_endpoint: str = Field(default="", description="OpenTelemetry collector, http/protobuf; empty: no traces")
    trace_ratio: float = Field(default=1.0, ge=0, le=1, description="part of the traces begun here that is recorded")

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

    @field_validator("otlp_endpoint")
    @classmethod
    def _address(cls, endpoint: str) -> str:
        address = urlsplit(endpoint)
        if endpoint and (address.scheme not in ("http", "https") or not address.hostname):
            raise ValueError(
                f"MURMUR_OTLP_ENDPOINT={endpoint!r} is no http address: give the collector's, without a path,"
                f" like http://127.0.0.1:4318"
            )
        return endpoint

    def store_url(self, service: str) -> str:
        return self.store or f"sqlite:///{self.home.resolve()}/stores/{service}.db"

    @property
    def artifacts_url(self) -> str:
        return self.artifacts or f"file://{self.home.resolve()}/artifacts"
