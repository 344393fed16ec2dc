"""What is told about a run, in the words of this service."""

from collections.abc import Mapping
from dataclasses import dataclass
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
class Provenance:
    """What must be the same for a run to be repeated."""

    code: Claim
    environment: Claim
    seed: int
    revision: int


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
class Point:
    """One value of a metric's history."""

    name: str
    step: int
    value: float
    time: datetime


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
    metrics: tuple[Point, ...]
    lines: tuple[str, ...]
    progress: float | None
