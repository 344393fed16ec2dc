"""What tracking answers about experiments and runs, as far as the console shows it."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, BeforeValidator, ValidationError

from murmur_console.clients import FrontDoor, Refusal

T = TypeVar("T", bound=BaseModel)

_SAMPLES = "300"
"""Points of a curve: about as many as there are pixels to tell apart."""

Scalar = bool | int | float | str


class Experiment(BaseModel):
    id: str
    name: str
    deleted: bool
    tags: dict[str, str]
    created_at: datetime
    runs: int
    last_run_at: datetime | None


class _Experiments(BaseModel):
    items: list[Experiment]


class Keys(BaseModel):
    params: list[str] = []
    metrics: list[str] = []
    tags: list[str] = []


class FoundRun(BaseModel):
    run_id: str
    experiment: str
    name: str
    user: str
    status: str
    workflow: str | None
    started_at: datetime
    ended_at: datetime | None
    params: dict[str, str]
    metrics: dict[str, float | None]
    tags: dict[str, str]


class FoundRuns(BaseModel):
    items: list[FoundRun]
    next: str | None


class Claim(BaseModel):
    uri: str
    sha256: str
    size: int


class Hardware(BaseModel):
    """memory: bytes."""

    processor: str | None = None
    machine: str | None = None
    cores: int | None = None
    memory: int | None = None
    threads: int | None = None


class Source(BaseModel):
    commit: str
    dirty: bool
    diff: Claim | None = None


class Provenance(BaseModel):
    code: Claim
    environment: Claim
    seed: int
    revision: int
    lock: str | None = None
    interpreter: str | None = None
    platform: str | None = None
    hardware: Hardware | None = None
    source: Source | None = None


class MetricDifference(BaseModel):
    name: str
    original: float | None
    reproduced: float | None
    difference: float | None


class Difference(BaseModel):
    what: str
    name: str
    original: str | None
    reproduced: str | None


class Reproduction(BaseModel):
    """How the run compares with the one that it repeats."""

    of: str
    verdict: str
    original_sha256: str
    reproduced_sha256: str
    metrics: list[MetricDifference]
    differences: list[Difference]


class Dataset(BaseModel):
    name: str
    digest: str
    train_rows: int
    holdout_rows: int
    as_of: str


class DatasetInput(BaseModel):
    name: str
    digest: str
    source_type: str
    source: str


class TrainedModel(BaseModel):
    model: Claim
    format: str


class Failure(BaseModel):
    cause: str
    message: str


class RunLine(BaseModel):
    """A run as comparisons list it."""

    run_id: str
    experiment: str
    workspace: str = "default"
    name: str
    user: str
    workflow: str | None
    revision: int | None
    status: str
    metrics: dict[str, float | None]
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: float | None


class RunDetail(RunLine):
    progress: float | None
    failure: Failure | None
    parameters: dict[str, Scalar] | None
    provenance: Provenance | None
    dataset: Dataset | None
    model: TrainedModel | None
    log: Claim | None
    tags: dict[str, str]
    deleted: bool
    datasets: list[DatasetInput]
    reproduction: Reproduction | None = None


class Row(BaseModel):
    name: str
    differs: bool
    values: list[Scalar | None]


class Curve(BaseModel):
    step: list[int]
    value: list[float | None]


class History(BaseModel):
    """One metric over the steps; a curve for each run, in their order."""

    metric: str
    curves: list[Curve]


class Comparison(BaseModel):
    runs: list[RunLine]
    parameters: list[Row]
    metrics: list[Row]
    circumstances: list[Row]
    histories: list[History] = []


class Artifact(BaseModel):
    path: str
    is_folder: bool
    size: int | None = None
    sha256: str | None = None


class _Artifacts(BaseModel):
    items: list[Artifact]


def _number(said: object) -> object:
    """MLflow's door writes what is no number as a text."""
    return float(said) if isinstance(said, str) else said


class Sample(BaseModel):
    run_id: str
    step: int
    value: Annotated[float, BeforeValidator(_number)]

    @property
    def finite(self) -> float | None:
        return self.value if math.isfinite(self.value) else None


class _Samples(BaseModel):
    metrics: list[Sample] = []


async def experiments(door: FrontDoor, workspace: str) -> list[Experiment]:
    answer = await door.read("tracking", "/v1/experiments", {}, workspace=workspace)
    return _told(_Experiments, answer).items


async def keys(door: FrontDoor, workspace: str, experiment: str) -> Keys:
    path = f"/v1/experiments/{quote(experiment, safe='')}/keys"
    return _told(Keys, await door.read("tracking", path, {}, workspace=workspace))


async def search(
    door: FrontDoor, workspace: str, experiment: str, *, filter: str, order_by: str, limit: int, token: str
) -> FoundRuns:
    """Raises Refusal, whose problem points at a mistake in the filter."""
    query = {
        "experiment": experiment,
        "filter": filter,
        "limit": str(limit),
        **({"order_by": order_by} if order_by else {}),
        **({"token": token} if token else {}),
    }
    return _told(FoundRuns, await door.read("tracking", "/v1/runs/search", query, workspace=workspace))


async def run(door: FrontDoor, run_id: str) -> RunDetail:
    return _told(RunDetail, await door.read("tracking", f"/v1/runs/{quote(run_id, safe='')}", {}))


async def compare(
    door: FrontDoor, workspace: str, run_ids: Sequence[str], *, histories: Sequence[str] = ()
) -> Comparison:
    """histories: the metrics whose values over the steps are wanted, sampled at the same steps of all runs."""
    query = {"run": run_ids, **({"histories": histories, "samples": _SAMPLES} if histories else {})}
    return _told(Comparison, await door.read("tracking", "/v1/compare", query, workspace=workspace))


async def samples(door: FrontDoor, workspace: str, run_ids: Sequence[str], metric: str) -> list[Sample]:
    """The history of a metric in each run, at the same steps where there are too many."""
    query = {"run_ids": run_ids, "metric_key": metric, "max_results": _SAMPLES}
    path = "/2.0/mlflow/metrics/get-history-bulk-interval"
    return _told(_Samples, await door.read("ajax-api", path, query, workspace=workspace)).metrics


async def artifacts(door: FrontDoor, workspace: str, run_id: str, folder: str) -> list[Artifact]:
    path = f"/v1/runs/{quote(run_id, safe='')}/artifacts"
    query = {"path": folder} if folder else {}
    return _told(_Artifacts, await door.read("tracking", path, query, workspace=workspace)).items


def artifact_path(run_id: str, path: str) -> str:
    """Below /get-artifact, where the front door gives the bytes."""
    return f"?{urlencode({'run_id': run_id, 'path': path})}"


def _told(form: type[T], content: bytes) -> T:
    try:
        return form.model_validate_json(content)
    except ValidationError as error:
        raise Refusal(200, f"an answer of tracking that does not fit the contract: {error}") from error
