"""What model servers answered."""

from pydantic import AwareDatetime, Field

from murmur_events.base import DeploymentName, Event, ModelName
from murmur_events.values import Sha256


class PredictionLogged(Event):
    """A micro-batch of predictions, by columns: every list has one entry a row."""

    deployment: DeploymentName
    shard: int = Field(ge=0)
    model: ModelName
    version: int = Field(ge=1)
    model_sha256: Sha256
    replica: str
    segment: str = Field(description="with offset and replica: names this batch for ever")
    offset: int = Field(ge=0, description="index of the batch's first row in its segment")
    request_ids: tuple[str, ...]
    times: tuple[AwareDatetime, ...]
    latencies_ms: tuple[float, ...]
    statuses: tuple[int, ...] = Field(description="HTTP status of the request that the row came in")
    features: dict[str, tuple[float | None, ...]]
    outputs: tuple[float | None, ...]
    trace_ids: tuple[str, ...] = Field(
        default=(), description="one a row, empty where a request had no trace; none at all from servers of old"
    )
    in_batches: tuple[bool, ...] = Field(
        default=(),
        description="one a row: true where a batch had it scored, whose id begins the request's; none at all where"
        " no row is of a batch",
    )
