"""What a replica measures of itself; served at /metrics beside MLServer's own counters."""

from collections.abc import Sequence
from random import choice

from prometheus_client import Counter, Gauge, Histogram

from murmur_serving.outputs import OUTPUTS

REQUESTS = Counter("murmur_serving_requests", "Inference requests answered", ["deployment", "version", "status"])
ERRORS = Counter("murmur_serving_errors", "Inference requests answered with an error", ["deployment", "version"])
PREDICTIONS = Counter("murmur_serving_predictions", "Rows predicted", ["deployment", "version"])
BATCH_ROWS = Counter("murmur_serving_batch_rows", "Rows predicted for batches", ["deployment", "version"])
LATENCY = Histogram(
    "murmur_serving_request_seconds",
    "Seconds from the whole request to its outputs; what is appended to the prediction log says the same",
    ["deployment", "version"],
    buckets=(
        *(0.0001, 0.0002, 0.0003, 0.0005, 0.0007, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02),
        *(0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0),
    ),
)
LOG_BACKLOG = Gauge(
    "murmur_serving_log_backlog_rows", "Rows of the prediction log that wait to be shipped", ["deployment"]
)
LOG_SHIPPED = Counter(
    "murmur_serving_log_shipped_rows", "Rows of the prediction log acknowledged by the broker", ["deployment"]
)
LOG_DROPPED = Counter(
    "murmur_serving_log_dropped_rows", "Rows of the prediction log that are too large for any broker", ["deployment"]
)
LOG_RETRIES = Counter(
    "murmur_serving_log_retries", "Batches of the prediction log that the broker did not take", ["deployment"]
)


ENGINE = Gauge(
    "murmur_serving_engine",
    "1 for the engine that answers: onnxruntime, xgboost or scikit-learn",
    ["deployment", "version", "engine"],
)


class Engines:
    """Which engines answer: a model that is loaded again comes before the one that it replaces goes."""

    def __init__(self) -> None:
        self._of: dict[object, tuple[str, str, str]] = {}

    def enter(self, model: object, deployment: str, version: int, engine: str) -> None:
        self._of[model] = labels = (deployment, str(version), engine)
        ENGINE.labels(*labels).set(1)

    def leave(self, model: object) -> None:
        labels = self._of.pop(model, None)
        if labels is not None and labels not in self._of.values():
            ENGINE.labels(*labels).set(0)


ENGINES = Engines()


FAST = Counter(
    "murmur_serving_fast_requests", "Inference requests answered by the shorter way", ["deployment", "version"]
)


def forget(deployment: str, version: int) -> None:
    """Nobody serves that version in this process any more; whoever does again begins with nothing counted."""
    labels = {"deployment": deployment, "version": str(version)}
    for metric in (REQUESTS, ERRORS, PREDICTIONS, BATCH_ROWS, LATENCY, ENGINE, FAST):
        metric.remove_by_labels(labels)
    OUTPUTS.forget(*labels.values())


class Counts:
    """The metrics of one model version, found once: looking them up takes as long as counting."""

    def __init__(self, deployment: str, version: int) -> None:
        labels = (deployment, str(version))
        self._labels = labels
        self._answered = REQUESTS.labels(*labels, "200")
        self._errors = ERRORS.labels(*labels)
        self._predictions = PREDICTIONS.labels(*labels)
        self._latency = LATENCY.labels(*labels)
        self._outputs = OUTPUTS.of(*labels)
        self._of_batches = BATCH_ROWS.labels(*labels)

    def of_batch(self, *, predictions: int) -> None:
        """One answered request of a batch: its rows count apart, so that rate and latency are those of live traffic."""
        self._of_batches.inc(predictions)

    def answered(self, seconds: Sequence[float], outputs: Sequence[Sequence[float]]) -> None:
        """Requests that were answered with 200; outputs: of the rows of each. The histogram gets one output of each
        request, drawn at random: requests are shared among versions by chance, rows of one request are not."""
        self._answered.inc(len(seconds))
        self._predictions.inc(sum(map(len, outputs)))
        self._outputs.add([each[0] if len(each) == 1 else choice(each) for each in outputs if each])
        for each in seconds:
            self._latency.observe(each)

    def failed(self, status: int, seconds: float) -> None:
        """One request that was answered with an error."""
        REQUESTS.labels(*self._labels, str(status)).inc()
        self._errors.inc()
        self._latency.observe(seconds)
