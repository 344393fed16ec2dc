"""What tracking's REST API gives."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from murmur_mlflow.workspaces import parts
from murmur_tracking.domain.facts import Scalar
from murmur_tracking.domain.runs import Failure, Result, Run, RunStatus
from murmur_tracking.search.entries import row_of

Number = Annotated[float | None, Field(description="null: not a finite number")]


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ClaimView(View):
    uri: str
    sha256: str
    size: int


class TriggerView(View):
    kind: str
    key: str
    reason: str
    by: str = Field(default="", description="the person who asked; empty: nobody did")


class HardwareView(View):
    processor: str | None
    machine: str | None
    cores: int | None
    memory: int | None = Field(description="bytes")
    threads: int | None


class SourceView(View):
    commit: str
    dirty: bool
    diff: ClaimView | None


class ProvenanceView(View):
    """null: not recorded."""

    code: ClaimView
    environment: ClaimView
    seed: int
    revision: int
    lock: str | None
    interpreter: str | None
    platform: str | None
    hardware: HardwareView | None
    source: SourceView | None


class MetricDifferenceView(View):
    name: str
    original: Number
    reproduced: Number
    difference: Number


class DifferenceView(View):
    what: str
    name: str
    original: str | None
    reproduced: str | None


class ReproductionView(View):
    """How it compares with the run that it repeats; null is what one of them did not have."""

    of: str
    verdict: str = Field(description="identical, equivalent or different")
    original_sha256: str
    reproduced_sha256: str
    metrics: list[MetricDifferenceView]
    differences: list[DifferenceView]


class DatasetView(View):
    name: str
    digest: str
    train: ClaimView
    holdout: ClaimView
    train_rows: int
    holdout_rows: int
    as_of: str


class TrainedModelView(View):
    model: ClaimView
    format: str


class FailureView(View):
    cause: str
    message: str


class DatasetInputView(View):
    """As a client describes a data set."""

    name: str
    digest: str
    source_type: str
    source: str


class RunView(View):
    """One run as a line of a list. `metrics`: final values, or the last logged while there are none.

    A run of the trainer has a workflow, its revision and a trigger; one that a client logs has none of them.
    parameters: null where nobody has told yet what it was started with.
    """

    run_id: str
    experiment: str
    workspace: str
    name: str
    user: str
    workflow: str | None
    revision: int | None
    trigger: TriggerView | None
    status: RunStatus
    attempt: int
    progress: float | None
    parameters: dict[str, Scalar] | None
    metrics: dict[str, Number]
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: float | None = Field(description="null while it runs")
    failure: FailureView | None


class RunPage(BaseModel):
    items: list[RunView]
    next: str | None


class RunDetailView(RunView):
    """All that is known of it; null is what no fact has told yet, or never will."""

    as_of: datetime | None
    provenance: ProvenanceView | None
    dataset: DatasetView | None
    model: TrainedModelView | None
    log: ClaimView | None
    tags: dict[str, str]
    deleted: bool
    datasets: list[DatasetInputView] = Field(description="what a client says that its run has read")
    reproduction: ReproductionView | None = Field(description="null: it repeats no other run, or has not ended")


class PointView(View):
    name: str
    step: int
    value: Number
    time: datetime


class PointPage(BaseModel):
    items: list[PointView]
    next: str | None


class LinePage(BaseModel):
    items: list[str]
    next: str | None


class CurveView(BaseModel):
    """Points of one run by columns, by step. time: ms since 1970."""

    step: list[int]
    time: list[int]
    value: list[Number]


class HistoryView(BaseModel):
    """One metric over the steps, of each run in their order; of long ones the same samples."""

    metric: str
    curves: list[CurveView]


class SnapshotView(BaseModel):
    """A run as it was when it was shared."""

    run: RunDetailView
    histories: list[HistoryView]


def point_view(name: str, step: int, time: int, value: float) -> PointView:
    return PointView(name=name, step=step, value=value, time=datetime.fromtimestamp(time / 1000, UTC))


def run_view(run: Run) -> RunView:
    return RunView.model_validate(_line(run))


def run_detail_view(run: Run) -> RunDetailView:
    told = run.work.instructions if run.work else None
    row = row_of(run)
    result = run.end if isinstance(run.end, Result) and run.status is RunStatus.COMPLETED else None
    return RunDetailView.model_validate(
        {
            **_line(run),
            "as_of": told.as_of if told else None,
            "provenance": told.provenance if told else None,
            "dataset": result.dataset if result else None,
            "model": result.model if result else None,
            "log": run.end.log if run.end else None,
            "tags": row.tags,
            "deleted": row.lifecycle == "deleted",
            "datasets": row.datasets,
            "reproduction": result.reproduction if result else None,
        }
    )


def _line(run: Run) -> dict[str, object]:
    row = row_of(run)
    return {
        "run_id": run.run_id,
        "experiment": row.experiment,
        "workspace": parts(row.workspace)[0],
        "name": row.name,
        "user": row.user,
        "workflow": run.workflow,
        "revision": run.revision,
        "trigger": run.trigger,
        "status": run.status,
        "attempt": run.attempt,
        "progress": run.progress,
        "parameters": run.parameters if run.sheet or (run.work and run.work.instructions) else None,
        "metrics": run.metrics,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "duration_seconds": (run.ended_at - run.started_at).total_seconds() if run.ended_at else None,
        "failure": run.end if isinstance(run.end, Failure) and run.status is RunStatus.FAILED else None,
    }
