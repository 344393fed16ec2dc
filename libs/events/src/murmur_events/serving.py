"""What model servers answered, and what became known of it later."""

from pydantic import AwareDatetime, Field, FiniteFloat

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


class FeedbackRecorded(Event):
    """A micro-batch of labels or clicks, by columns: every list has one entry a label.

    A label names its prediction by `request_id`, which is the first row of that request; further rows of a request that
    had several are `request_id#1`, `request_id#2`, in the order in which they were asked. So `prediction.logged` names
    them too: it repeats the request's id in one entry a row. A label belongs to every prediction logged under its name:
    that of a shadow, and that of a second attempt. Of two labels for one name the one known later counts.
    """

    deployment: DeploymentName
    shard: int = Field(ge=0)
    request_ids: tuple[str, ...] = Field(description="`request_id`, or `request_id#row` from the second row on")
    times: tuple[AwareDatetime, ...] = Field(description="when each label became known")
    labels: tuple[FiniteFloat, ...] = Field(description="0 or 1 for a class or a click; never absent")
    source: str = Field(
        min_length=1, description="where they come from, in a word; `clicks` makes a click-through rate"
    )
