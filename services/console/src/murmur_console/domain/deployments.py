"""The facts that a deployment's history is made of, without who told them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class InputColumn:
    """One input of a model. categories: the values that training has seen, for a category."""

    name: str
    dtype: str
    categories: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Release:
    """A version, as it was handed over to be served. threshold: from which output on a row is flagged."""

    version: int
    run: str
    sha256: str
    form: str
    inputs: tuple[InputColumn, ...]
    output: str
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A version serves, since `at`."""

    at: datetime
    version: int
    replaces: int | None
    release: Release
    endpoint: str
    chain: str


@dataclass(frozen=True, kw_only=True)
class CanaryStart:
    """steps: its shares of the requests; 0: copies, whose answers nobody gets."""

    at: datetime
    version: int
    against: int
    steps: tuple[float, ...]
    release: Release
    chain: str


@dataclass(frozen=True, kw_only=True)
class AspectTest:
    """One aspect of both versions."""

    aspect: str
    stable: float | None
    canary: float | None
    statistic: float
    threshold: float
    decision: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """How one step (from 1) has ended; rows: requests of either version since the canary began."""

    at: datetime
    version: int
    step: int
    steps: int
    weight: float
    verdict: str
    rows: int
    stable_rows: int
    tests: tuple[AspectTest, ...]
    detail: str
    chain: str


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    at: datetime
    version: int
    serving: int
    by: str
    cause: str
    reason: str
    chain: str


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A version could not be made to serve; cause: in words."""

    at: datetime
    version: int
    cause: str
    message: str
    chain: str


@dataclass(frozen=True, kw_only=True)
class Scaled:
    at: datetime
    version: int
    before: int
    replicas: int
    cause: str
    detail: str
    rate: float | None
    p99_ms: float | None
    chain: str


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One drifted window's finding: the columns in order of how sure it is."""

    at: datetime
    start: datetime
    end: datetime
    version: int
    features: tuple[str, ...]
    engine: str
    chain: str


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """One window in which the model was surely worse than it had been."""

    at: datetime
    start: datetime
    end: datetime
    version: int
    metric: str
    detail: str
    chain: str


@dataclass(frozen=True)
class Spread:
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Window:
    """The numbers of one window of one version, its newest revision."""

    start: datetime
    end: datetime
    revision: int
    version: int
    rows: int
    errors: int
    rate: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    output_mean: float | None
    outcome: str
    detail: str
    labelled: int = 0
    quality: dict[str, float] = field(default_factory=dict)
    quality_interval: Spread | None = None
    quality_detail: str = ""


class BatchState(StrEnum):
    RUNNING = "running"
    """Asked for and not ended: it waits, or is being scored."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A file of rows that is scored; `at` is when it was asked for, or else when it ended."""

    id: str
    at: datetime
    chain: str
    version: int | None = None
    by: str = ""
    state: BatchState = BatchState.RUNNING
    ended: datetime | None = None
    rows: int | None = None
    refused: int = 0
    seconds: float | None = None
    message: str = ""
