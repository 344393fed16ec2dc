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
    drain_seconds: float = Field(
        default=30, gt=0, description="so long, or the deployment's timeout, may a retired replica go on answering"
    )

    batch_chunk_rows: int = Field(default=10_000, ge=1, description="rows after which a batch's progress is recorded")
    batch_share: float = Field(default=0.5, gt=0, le=1, description="part of a replica's time that a batch takes")
    batch_slots: int = Field(default=1, ge=1, description="batches that are scored at the same time")
    batch_failed_rows: int = Field(default=1000, ge=0, description="rows of a batch that the model may refuse")
    batch_patience_seconds: float = Field(default=300, gt=0, description="how long a batch waits for its replica")
    batch_hold_seconds: float = Field(
        default=3600, ge=0, description="how long a version that serves no more is kept for a batch that it has begun"
    )
    batch_input_bytes: int = Field(default=10 * 2**30, gt=0, description="the largest file that is taken")

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
    def batches(self) -> Path:
        """What batches under way have on the disk."""
        return self.home.resolve() / "batches"

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
