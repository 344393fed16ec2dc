"""What the deployer is told by its environment, beside what every service is."""

from pathlib import Path

from pydantic import Field

from murmur_access import BrokerAccess
from murmur_access.rules import MODEL_SERVER
from murmur_kernel.settings import KernelSettings

_FIRST, _LAST = 100, 499


class Settings(KernelSettings):
    """port: the front door, from which the ports of model servers are counted.

    serving_password_file: the secret of the Kafka user `model-server`, where the broker asks
    """

    port: int = 8080
    envoy_admin: str = "http://127.0.0.1:8083"
    start_seconds: float = Field(default=60, gt=0, description="from a replica's start to its first right answer")
    serving_host: str = Field(default="", description="where others reach its model servers: MURMUR_HOST if not said")
    route_seconds: float = Field(default=10, gt=0, description="until the front door must have applied its routes")
    drain_seconds: float = Field(default=30, gt=0, description="the longest that a retired replica may go on answering")

    serving_password_file: Path | None = None

    @property
    def serving_access(self) -> BrokerAccess:
        """How model servers reach the broker: as themselves, not as the deployer."""
        own = self.broker_access
        if not own.protocol.asks_who:
            return own
        return BrokerAccess(
            brokers=own.brokers,
            protocol=own.protocol,
            user=MODEL_SERVER,
            password_file=self.serving_password_file,
            ca=own.ca,
        )

    @property
    def model_server_ports(self) -> range:
        return range(self.port + _FIRST, self.port + _LAST + 1)

    @property
    def reachable_host(self) -> str:
        """What the front door and Prometheus are told."""
        return self.serving_host or self.host

    @property
    def replicas(self) -> Path:
        """One directory a replica."""
        return self.home.resolve() / "replicas"

    @property
    def predictions(self) -> Path:
        """Prediction logs, one directory a deployment; they outlive the replicas that wrote them."""
        return self.home.resolve() / "predictions"

    @property
    def logs(self) -> Path:
        return self.home.resolve() / "logs"

    @property
    def turns(self) -> Path:
        """Where the replicas of the deployer wait for each other."""
        return self.home.resolve() / "run" / "deployer"

    @property
    def envoy(self) -> Path:
        return self.home.resolve() / "envoy"
