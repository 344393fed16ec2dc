"""What is told about a run, in the words of this service."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

Scalar = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something large, elsewhere: where it is and what it must hash to."""

    uri: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Trigger:
    kind: str
    key: str
    reason: str
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What the run's process had to work with. memory: bytes."""

    processor: str | None = None
    machine: str | None = None
    cores: int | None = None
    memory: int | None = None
    threads: int | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where in a git repository the code was."""

    commit: str
    dirty: bool
    diff: Claim | None = None


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What must be the same for a run to be repeated. lock: the digest of all packages with their versions."""

    code: Claim
    environment: Claim
    seed: int
    revision: int
    lock: str | None = None
    interpreter: str | None = None
    platform: str | None = None
    hardware: Hardware | None = None
    source: Source | None = None


@dataclass(frozen=True, kw_only=True)
class MetricDifference:
    """None: a run that did not measure it."""

    name: str
    original: float | None
    reproduced: float | None
    difference: float | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """None: a run that did not have it."""

    what: str
    name: str
    original: str | None
    reproduced: str | None


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """How the run compares with the one that it repeats."""

    of: str
    verdict: str
    original_sha256: str
    reproduced_sha256: str
    metrics: tuple[MetricDifference, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dataset:
    name: str
    digest: str
    train: Claim
    holdout: Claim
    train_rows: int
    holdout_rows: int
    as_of: str


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    model: Claim
    format: str


@dataclass(frozen=True, kw_only=True)
class Points:
    """Values of metrics by columns: the i-th is of names[name[i]]. time: ms since 1970."""

    names: tuple[str, ...] = ()
    name: tuple[int, ...] = ()
    step: tuple[int, ...] = ()
    time: tuple[int, ...] = ()
    value: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.name)

    def then(self, more: "Points") -> "Points":
        """These, and the others behind them."""
        places = {name: place for place, name in enumerate(dict.fromkeys((*self.names, *more.names)))}
        return Points(
            names=tuple(places),
            name=(*self.name, *(places[more.names[at]] for at in more.name)),
            step=(*self.step, *more.step),
            time=(*self.time, *more.time),
            value=(*self.value, *more.value),
        )

    def each(self) -> Iterator[tuple[str, int, int, float]]:
        """Name, step, time and value of each, as logged."""
        columns = zip(self.name, self.step, self.time, self.value, strict=True)
        return ((self.names[at], step, time, value) for at, step, time, value in columns)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Points that are of a logged model too, on the same data set. places: which of those told with it."""

    model_id: str
    dataset_name: str | None = None
    dataset_digest: str | None = None
    places: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class DatasetInput:
    """A data set that a client says its run has read. schema_text, profile: None where it did not say."""

    name: str
    digest: str
    source_type: str
    source: str
    schema_text: str | None = None
    profile: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelLink:
    """A logged model that a run has read or written."""

    model_id: str
    step: int | None = None


@dataclass(frozen=True, kw_only=True)
class Registration:
    """Under what a client's run is filed."""

    experiment: str
    workspace: str
    name: str
    artifact_uri: str
    user: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A client has begun a run. chain: correlation and id of the event that says so."""

    run_id: str
    attempt: int
    started_at: datetime
    registration: Registration
    chain: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What a client has told of its run at once. None: nothing was said of that."""

    points: Points = field(default_factory=Points)
    measured: tuple[Measured, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    removed_tags: tuple[str, ...] = ()
    name: str | None = None
    deleted: bool | None = None
    scheduled: bool | None = None
    datasets: tuple[DatasetInput, ...] = ()
    models_read: tuple[ModelLink, ...] = ()
    models_written: tuple[ModelLink, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Told:
    """What every fact that makes a run known says. A higher attempt means: the worker before is gone."""

    run_id: str
    workflow: str
    revision: int
    trigger: Trigger
    attempt: int
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class Started(Told):
    as_of: datetime
    parameters: Mapping[str, Scalar]
    provenance: Provenance


@dataclass(frozen=True, kw_only=True)
class Completed(Started):
    metrics: Mapping[str, float]
    dataset: Dataset
    model: TrainedModel | None
    log: Claim
    ended_at: datetime
    reproduction: Reproduction | None = None


@dataclass(frozen=True, kw_only=True)
class Failed(Told):
    cause: str
    message: str
    log: Claim | None
    ended_at: datetime


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A batch of what the run said meanwhile."""

    run_id: str
    attempt: int
    points: Points
    lines: tuple[str, ...]
    progress: float | None
