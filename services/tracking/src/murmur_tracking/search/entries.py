"""What the index is told of runs and experiments, what it is asked, and how a run looks to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from murmur_mlflow.workspaces import DEFAULT
from murmur_search.paging import RunQuery, RunsPage
from murmur_tracking.domain import workspaces
from murmur_tracking.domain.client_runs import RUN_NAME, status_of
from murmur_tracking.domain.experiments import Experiment
from murmur_tracking.domain.facts import DatasetInput
from murmur_tracking.domain.runs import Last, Run

NOTE = "mlflow.note.content"
DATASET_CONTEXT = "mlflow.data.context"


@dataclass(frozen=True)
class RunChange:
    """before: as it was read, None where it was not."""

    before: Run | None
    after: Run


@dataclass(frozen=True)
class ExperimentChange:
    before: Experiment | None
    after: Experiment


@dataclass(frozen=True)
class FindRuns:
    """Answered by a RunsPage."""

    query: RunQuery


@dataclass(frozen=True)
class CountRuns:
    """How many runs that are not in the bin each experiment of a workspace has. Answered by a mapping of RunCounts."""

    workspace: str


@dataclass(frozen=True)
class RunCount:
    """last: when its newest run began, ms since 1970."""

    runs: int
    last: int


@dataclass(frozen=True)
class ListKeys:
    """What the runs of an experiment have logged, at most `most` names of each kind. Answered by Keys."""

    experiment: str
    workspace: str
    most: int


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Each sorted."""

    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


Question = FindRuns | CountRuns | ListKeys
Answer = RunsPage | Mapping[str, RunCount] | Keys


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run as it is searched: the words are MLflow's. Times are ms since 1970."""

    id: str
    experiment: str
    workspace: str
    name: str
    user: str
    status: str
    lifecycle: str
    started: int
    ended: int | None
    artifact_uri: str
    note: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, Last]
    datasets: tuple[DatasetInput, ...]


def row_of(run: Run) -> RunRow:
    sheet = run.sheet
    if sheet is None:
        return _trained(run)
    return RunRow(
        id=run.run_id,
        experiment=sheet.experiment,
        workspace=sheet.workspace,
        name=sheet.name,
        user=sheet.user,
        status=status_of(run),
        lifecycle="deleted" if sheet.deleted else "active",
        started=millis(run.started_at),
        ended=millis(run.ended_at) if run.ended_at else None,
        artifact_uri=sheet.artifact_uri,
        note=sheet.tags.get(NOTE, ""),
        params=sheet.parameters,
        tags=sheet.tags,
        metrics=run.latest,
        datasets=sheet.datasets,
    )


def _trained(run: Run) -> RunRow:
    """Of the trainer: parameters become text, what it was told and why become tags."""
    assert run.workflow is not None, "a run without a sheet is the trainer's"
    assert run.trigger is not None, "so it has a trigger"
    tags = {
        RUN_NAME: run.run_id,
        "murmur.workflow": run.workflow,
        "murmur.revision": str(run.revision),
        "murmur.trigger": run.trigger.kind,
    }
    if run.work and (told := run.work.instructions):
        tags |= {
            "murmur.seed": str(told.provenance.seed),
            "murmur.code": told.provenance.code.sha256,
            "murmur.environment": told.provenance.environment.sha256,
        }
    ended = millis(run.ended_at) if run.ended_at else None
    metrics = {name: run.latest.get(name, (0, ended or 0, value)) for name, value in run.metrics.items()}
    return RunRow(
        id=run.run_id,
        experiment=workspaces.workflow_experiment(run.workflow)[0],
        workspace=DEFAULT,
        name=run.run_id,
        user=run.trigger.by or "trainer",
        status=status_of(run),
        lifecycle="active",
        started=millis(run.started_at),
        ended=ended,
        artifact_uri=f"mlflow-artifacts:/workflows/{run.workflow}/{run.run_id}/artifacts",
        note="",
        params={name: _text(value) for name, value in run.parameters.items()},
        tags=tags,
        metrics={name: (*last[:2], run.metrics[name]) for name, last in metrics.items()},
        datasets=(),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
