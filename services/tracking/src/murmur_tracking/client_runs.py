"""What clients do to their runs: each command says a fact about the run and keeps it, in one transaction.

One writer a run: what the trainer runs, only the trainer tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from murmur_events.base import ExperimentId, RunId
from murmur_events.runs import (
    DatasetInput,
    Measured,
    MetricColumns,
    ModelLink,
    Registration,
    RunCompleted,
    RunFailed,
    RunLogged,
    RunStarted,
)
from murmur_kernel.unit_of_work import Chain
from murmur_mlflow.refusals import BadValue, NotYours
from murmur_mlflow.workspaces import DEFAULT
from murmur_tracking import experiments, handlers, logged_models
from murmur_tracking.domain import client_runs, names
from murmur_tracking.domain.client_runs import RUN_NAME, ClientStatus
from murmur_tracking.domain.experiments import Experiment
from murmur_tracking.domain.facts import Points
from murmur_tracking.domain.refusals import no_run
from murmur_tracking.domain.runs import Run, RunStatus, Sheet
from murmur_tracking.experiments import ExperimentOf
from murmur_tracking.logged_models import ModelOf
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.search.entries import row_of


@dataclass(frozen=True)
class RunOf:
    """A run as a client of the workspace names it."""

    workspace: str
    run_id: str


@dataclass(frozen=True, kw_only=True)
class CreateRun:
    """started: ms since 1970. name: None for one of our choosing."""

    experiment: ExperimentOf
    started: int
    user: str = ""
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class UpdateRun:
    """None leaves as it is. ended: ms since 1970."""

    run: RunOf
    status: ClientStatus | None = None
    ended: int | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class LogToRun:
    """All that a client tells of a run at once."""

    run: RunOf
    points: Points = field(default_factory=Points)
    measured: tuple[Measured, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    removed_tags: tuple[str, ...] = ()
    datasets: tuple[DatasetInput, ...] = ()
    models_read: tuple[ModelLink, ...] = ()
    models_written: tuple[ModelLink, ...] = ()


async def create(command: CreateRun, uow: TrackingUnitOfWork) -> Run:
    """Raises NoSuchThing, BadValue for an experiment in the bin."""
    experiment = await experiments.require(command.experiment, uow)
    experiments.require_active(experiment)
    run_id = uow.new_id("run").replace("-", "")
    name = command.name or command.tags.get(RUN_NAME) or names.made_of(run_id)
    event = RunStarted(
        run_id=RunId(run_id),
        attempt=1,
        started_at=moment(command.started),
        registration=Registration(
            experiment=ExperimentId(experiment.id),
            workspace=experiment.workspace,
            name=name,
            user=command.user,
            artifact_uri=artifacts_of(experiment, run_id),
            tags={**command.tags, RUN_NAME: name},
        ),
    )
    return say_begun(event, uow)


def say_begun(event: RunStarted, uow: TrackingUnitOfWork) -> Run:
    """The run, begun by this event: whose registration files it."""
    chain = uow.publish(event)
    assert chain.causation_id is not None, "it follows from the event just said"
    run = handlers.begun(None, event, chain=(chain.correlation_id, chain.causation_id))
    uow.runs.save(run)
    return run


async def update(command: UpdateRun, uow: TrackingUnitOfWork) -> Run:
    """Raises NoSuchThing, BadValue for a run in the bin, NotYours."""
    run = await require_active(command.run, uow)
    if command.name:
        event = RunLogged(
            run_id=RunId(run.run_id), attempt=run.attempt, name=command.name, tags={RUN_NAME: command.name}
        )
        run = await _log(run, event, uow)
    return await turn(run, command.status, command.ended, uow)


async def turn(run: Run, status: ClientStatus | None, ended: int | None, uow: TrackingUnitOfWork) -> Run:
    """Into this status, or with this end. None leaves as it is."""
    if status is not None:
        return await _become(run, status, ended, uow)
    if ended is not None and run.status is not RunStatus.RUNNING:
        return await _become(run, client_runs.status_of(run), ended, uow)
    return run


async def move(which: tuple[RunOf, bool], uow: TrackingUnitOfWork) -> None:
    """Into the bin (True) or out of it. Raises NoSuchThing, NotYours."""
    await bin_or_not(await require_own(which[0], uow), which[1], uow)


async def bin_or_not(run: Run, deleted: bool, uow: TrackingUnitOfWork) -> Run:
    if _sheet(run).deleted is deleted:
        return run
    return await _log(run, RunLogged(run_id=RunId(run.run_id), attempt=run.attempt, deleted=deleted), uow)


async def log(command: LogToRun, uow: TrackingUnitOfWork) -> Run:
    """All of it or nothing. Raises NoSuchThing, BadValue for a changed parameter or a run in the bin, NotYours."""
    run = await require_active(command.run, uow)
    for one in command.measured:
        await logged_models.require(ModelOf(command.run.workspace, one.model_id), uow)
    require_unchanged(run, command.parameters)
    return await tell(run, command, uow)


async def tell(run: Run, command: LogToRun, uow: TrackingUnitOfWork) -> Run:
    """What was checked already."""
    points = command.points
    event = RunLogged.model_construct(  # checked where it came in
        run_id=RunId(run.run_id),
        attempt=run.attempt,
        columns=MetricColumns.model_construct(**vars(points)) if points else None,
        measured=command.measured,
        parameters=dict(command.parameters),
        tags=dict(command.tags),
        removed_tags=command.removed_tags,
        datasets=command.datasets,
        models_read=command.models_read,
        models_written=command.models_written,
    )
    return await _log(run, event, uow)


async def log_quietly(command: LogToRun, uow: TrackingUnitOfWork) -> None:
    """Like `log`, for callers who do not want the run."""
    await log(command, uow)


async def require(which: RunOf, uow: TrackingUnitOfWork) -> Run:
    """Raises NoSuchThing, also for one of another workspace."""
    run = await uow.runs.get(which.run_id)
    if run is None or workspace_of(run) != which.workspace:
        raise no_run(which.run_id)
    return run


async def require_own(which: RunOf, uow: TrackingUnitOfWork) -> Run:
    """Raises NoSuchThing, NotYours for a run of the trainer."""
    run = await require(which, uow)
    if run.sheet is None:
        raise NotYours(
            f"run {run.run_id!r} is written by the trainer, for workflow {run.workflow!r}: nobody else may change it"
        )
    return run


async def require_active(which: RunOf, uow: TrackingUnitOfWork) -> Run:
    """Raises NoSuchThing, NotYours, BadValue for a run in the bin."""
    run = await require_own(which, uow)
    if _sheet(run).deleted:
        raise BadValue(f"The run {run.run_id} must be in the 'active' state. Current state is deleted.")
    return run


def require_unchanged(run: Run, parameters: Mapping[str, str]) -> None:
    """Raises BadValue."""
    if changed := client_runs.changed_parameters(run, parameters):
        raise BadValue(_changed_parameters(run.run_id, changed))


async def artifact_root(which: RunOf, uow: TrackingUnitOfWork) -> str:
    """Raises NoSuchThing."""
    return row_of(await require(which, uow)).artifact_uri


def artifacts_of(experiment: Experiment, run_id: str) -> str:
    """Where a run of the experiment keeps its artifacts."""
    return f"{experiment.artifact_location.rstrip('/')}/{run_id}/artifacts"


def workspace_of(run: Run) -> str:
    return run.sheet.workspace if run.sheet else DEFAULT


def moment(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)


async def _become(run: Run, status: ClientStatus, ended: int | None, uow: TrackingUnitOfWork) -> Run:
    """What ended and goes on, or ends in another way, does so in an attempt of its own."""
    over = run.end if run.status is not RunStatus.RUNNING else None
    at = moment(ended) if ended is not None else over.ended_at if over else uow.now
    again = over is not None and status != client_runs.status_of(run)
    attempt = run.attempt + again
    sheet = _sheet(run)
    uow.resume(Chain(*sheet.chain))
    match status:
        case "FINISHED":
            done = RunCompleted(
                run_id=RunId(run.run_id),
                attempt=attempt,
                parameters=dict(run.parameters),
                metrics=dict(run.metrics),
                started_at=run.started_at,
                ended_at=at,
            )
            uow.publish(done)
            await handlers.remember_completion(done, uow)
        case "FAILED" | "KILLED":
            cause: Literal["killed", "reported"] = "killed" if status == "KILLED" else "reported"
            failed = RunFailed(
                run_id=RunId(run.run_id),
                attempt=attempt,
                cause=cause,
                message=f"its client said {status}",
                started_at=run.started_at,
                ended_at=at,
            )
            uow.publish(failed)
            await handlers.remember_failure(failed, uow)
        case "RUNNING" | "SCHEDULED":
            if again:
                resumed = RunStarted(run_id=RunId(run.run_id), attempt=attempt, started_at=run.started_at)
                uow.publish(resumed)
                await handlers.resume(resumed, uow)
            scheduled = status == "SCHEDULED"
            if sheet.scheduled is not scheduled:
                event = RunLogged(run_id=RunId(run.run_id), attempt=attempt, scheduled=scheduled)
                uow.publish(event)
                await handlers.remember_batch(event, uow)
    return await uow.runs.require(run.run_id)


async def _log(run: Run, event: RunLogged, uow: TrackingUnitOfWork) -> Run:
    uow.resume(Chain(*_sheet(run).chain))
    uow.publish(event)
    await handlers.keep_note(run, handlers.noted(event), uow)
    return await uow.runs.require(run.run_id)


def _sheet(run: Run) -> Sheet:
    assert run.sheet is not None, "asked of clients' runs only"
    return run.sheet


def _changed_parameters(run_id: str, changed: list[tuple[str, str, str]]) -> str:
    if len(changed) == 1:
        ((name, old, new),) = changed
        return (
            f"Changing param values is not allowed. Param with key='{name}' was already logged with value='{old}' for"
            f" run ID='{run_id}'. Attempted logging new value '{new}'."
        )
    known = [{"key": name, "old_value": old, "new_value": new} for name, old, new in changed]
    return f"Changing param values is not allowed. Params were already logged='{known}' for run ID='{run_id}'."
