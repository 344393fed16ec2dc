"""What a service is told by its environment: `murmur up` sets it all, the defaults suit one started by hand."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from murmur_access.binding import AuthMode, refuse_open_listener
from murmur_access.broker import BrokerSettings


class KernelSettings(BrokerSettings):
    """The settings that every service has. A service's own ones are fields of a subclass.

    auth:     whether callers of REST must show a token
    tokens:   the file that knows them; by default tokens.json among the flock's secrets
    tls_cert, tls_key: PEM files; with both, REST is served by TLS
    """

    home: Path = Path(".murmur")
    host: str = "127.0.0.1"
    service_port: int = 0
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
    auth: AuthMode = "off"
    tokens: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = Field(default=None, description="whom to trust beside the machine's own, at the front door")

    @model_validator(mode="after")
    def _listener(self) -> Self:
        """No listener leaves the machine while nobody is asked who they are."""
        refuse_open_listener(self.host, self.auth)
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("MURMUR_TLS_CERT and MURMUR_TLS_KEY go together: one of them is missing")
        return self

    @property
    def tokens_file(self) -> Path | None:
        """None where nobody is asked."""
        if self.auth == "off":
            return None
        return self.tokens or self.home.resolve() / "secrets" / "tokens.json"

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
