"""What tracking's REST API gives."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from murmur_tracking.domain import workspaces
from murmur_tracking.domain.comparison import Comparison, Row
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


class ProvenanceView(View):
    code: ClaimView
    environment: ClaimView
    seed: int
    revision: int


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
    parameters: dict[str, Scalar] | None
    provenance: ProvenanceView | None
    dataset: DatasetView | None
    model: TrainedModelView | None
    log: ClaimView | None
    tags: dict[str, str]
    deleted: bool
    datasets: list[DatasetInputView] = Field(description="what a client says that its run has read")


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


class RowView(View):
    """One property of every run compared, in their order; null where a run does not have it."""

    name: str
    differs: bool
    values: list[Scalar | None]


class ComparisonView(BaseModel):
    """parameters and circumstances: those that differ first."""

    runs: list[RunView]
    parameters: list[RowView]
    metrics: list[RowView]
    circumstances: list[RowView]


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
            "parameters": run.parameters if told or run.sheet else None,
            "provenance": told.provenance if told else None,
            "dataset": result.dataset if result else None,
            "model": result.model if result else None,
            "log": run.end.log if run.end else None,
            "tags": row.tags,
            "deleted": row.lifecycle == "deleted",
            "datasets": row.datasets,
        }
    )


def comparison_view(runs: list[Run], comparison: Comparison) -> ComparisonView:
    return ComparisonView(
        runs=[run_view(run) for run in runs],
        parameters=_rows(comparison.parameters),
        metrics=_rows(comparison.metrics),
        circumstances=_rows(comparison.circumstances),
    )


def _line(run: Run) -> dict[str, object]:
    row = row_of(run)
    return {
        "run_id": run.run_id,
        "experiment": row.experiment,
        "workspace": workspaces.parts(row.workspace)[0],
        "name": row.name,
        "user": row.user,
        "workflow": run.workflow,
        "revision": run.revision,
        "trigger": run.trigger,
        "status": run.status,
        "attempt": run.attempt,
        "progress": run.progress,
        "metrics": run.metrics,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "duration_seconds": (run.ended_at - run.started_at).total_seconds() if run.ended_at else None,
        "failure": run.end if isinstance(run.end, Failure) and run.status is RunStatus.FAILED else None,
    }


def _rows(rows: tuple[Row, ...]) -> list[RowView]:
    return [RowView.model_validate(row) for row in rows]
