"""Experiments and found runs as tracking's own REST gives them, in the words that a search is written in."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from murmur_tracking.domain import workspaces
from murmur_tracking.domain.experiments import Experiment
from murmur_tracking.domain.runs import Run
from murmur_tracking.schemas import Number
from murmur_tracking.search import Keys, RunCount
from murmur_tracking.search.entries import row_of


class ExperimentView(BaseModel):
    """runs, last_run_at: of those that are not in the bin."""

    id: str
    name: str
    deleted: bool
    tags: dict[str, str]
    artifact_location: str
    created_at: datetime
    updated_at: datetime
    runs: int
    last_run_at: datetime | None = Field(description="when its newest run began")


class ExperimentList(BaseModel):
    items: list[ExperimentView]


class KeysView(BaseModel):
    params: list[str]
    metrics: list[str]
    tags: list[str]


class FoundRunView(BaseModel):
    """`status` is a word of the search language: RUNNING, SCHEDULED, FINISHED, FAILED, KILLED."""

    run_id: str
    experiment: str
    name: str
    user: str
    status: str
    deleted: bool
    workflow: str | None
    started_at: datetime
    ended_at: datetime | None
    params: dict[str, str]
    metrics: dict[str, Number]
    tags: dict[str, str]


class FoundRunPage(BaseModel):
    items: list[FoundRunView]
    next: str | None


def experiment_view(experiment: Experiment, count: RunCount | None) -> ExperimentView:
    return ExperimentView(
        id=workspaces.shown(experiment.id),
        name=experiment.name,
        deleted=experiment.deleted,
        tags=dict(experiment.tags),
        artifact_location=experiment.artifact_location,
        created_at=experiment.created_at,
        updated_at=experiment.updated_at,
        runs=count.runs if count else 0,
        last_run_at=_moment(count.last) if count else None,
    )


def keys_view(keys: Keys) -> KeysView:
    return KeysView(params=list(keys.params), metrics=list(keys.metrics), tags=list(keys.tags))


def found_run_view(run: Run) -> FoundRunView:
    row = row_of(run)
    return FoundRunView(
        run_id=row.id,
        experiment=workspaces.shown(row.experiment),
        name=row.name,
        user=row.user,
        status=row.status,
        deleted=row.lifecycle == "deleted",
        workflow=run.workflow,
        started_at=_moment(row.started),
        ended_at=None if row.ended is None else _moment(row.ended),
        params=dict(row.params),
        metrics={name: last[2] for name, last in row.metrics.items()},
        tags=dict(row.tags),
    )


def _moment(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)
