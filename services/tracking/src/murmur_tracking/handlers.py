"""What tracking remembers of each fact about a run, whoever publishes it: the trainer, or tracking itself for a client.

Clients' facts are remembered by these same handlers as soon as they are said (see `client_runs`), so that a rebuild
from the log ends where the calls did.
"""

from pydantic import TypeAdapter

from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.runs import MetricColumns, MetricPoint, RunCompleted, RunFailed, RunLogged, RunStarted
from murmur_events.workspaces import WorkspaceDropped, WorkspaceEmptied
from murmur_mlflow.workspaces import DEFAULT, parts
from murmur_tracking.domain import client_runs, logged_models, runs, workspaces
from murmur_tracking.domain.experiments import Experiment, ExperimentName
from murmur_tracking.domain.facts import (
    Begun,
    Completed,
    DatasetInput,
    Failed,
    Logged,
    Measured,
    ModelLink,
    Noted,
    Points,
    Registration,
    Started,
)
from murmur_tracking.domain.logged_models import LoggedModel, ModelMetrics
from murmur_tracking.domain.runs import Failure, Result, Run
from murmur_tracking.domain.workspaces import Workspace
from murmur_tracking.repository import Batch, TrackingUnitOfWork, batch_id, model_metrics_id, name_id

_STARTED = TypeAdapter(Started)
_COMPLETED = TypeAdapter(Completed)
_FAILED = TypeAdapter(Failed)
"""Each takes from an event the fields that its fact names, under the same names."""

_CHUNK = 50
"""Points of a client's run in one document: a loop that logs one value a call makes no document a call,
and writes no long one again and again."""


async def remember_start(event: RunStarted, uow: TrackingUnitOfWork) -> None:
    if event.workflow is not None:
        await _remember(_STARTED.validate_python(event.model_dump()), uow)
        return
    if event.registration is None:
        await resume(event, uow)
        return
    uow.runs.save(begun(await uow.runs.get(event.run_id), event, chain=_chain(uow)))


async def resume(event: RunStarted, uow: TrackingUnitOfWork) -> None:
    """A client's run goes on, under what it was filed at first. Raises Missing."""
    uow.runs.save(client_runs.resume(await uow.runs.require(event.run_id), event.attempt))


async def remember_completion(event: RunCompleted, uow: TrackingUnitOfWork) -> None:
    if event.workflow is not None:
        await _remember(_COMPLETED.validate_python(event.model_dump()), uow)
        return
    run = await uow.runs.require(event.run_id)
    uow.runs.save(client_runs.end(run, Result(attempt=event.attempt, ended_at=event.ended_at)))


async def remember_failure(event: RunFailed, uow: TrackingUnitOfWork) -> None:
    if event.workflow is not None:
        await _remember(_FAILED.validate_python(event.model_dump()), uow)
        return
    run = await uow.runs.require(event.run_id)
    how = Failure(attempt=event.attempt, ended_at=event.ended_at, cause=event.cause, message=event.message)
    uow.runs.save(client_runs.end(run, how))


async def remember_batch(event: RunLogged, uow: TrackingUnitOfWork) -> None:
    """Waits for the run to be known. What comes after the run's end is kept too, and changes neither end nor result.

    So is what a lower attempt said, whenever it comes: it changes nothing of the run, and nobody is shown it.
    """
    run = await uow.runs.require(event.run_id)
    if event.workflow is None:
        await keep_note(run, noted(event), uow)
        return
    fact = Logged(
        run_id=event.run_id,
        attempt=event.attempt,
        points=_points_of(event.metrics),
        lines=event.lines,
        progress=event.progress,
    )
    uow.runs.save(runs.log(run, fact))
    if fact.points or fact.lines:
        assert uow.cause is not None, "the trainer's batches come as events only"
        uow.batches.save(
            Batch(
                run_id=fact.run_id,
                attempt=fact.attempt,
                sequence=uow.cause.sequence,
                points=fact.points,
                lines=fact.lines,
            )
        )


async def remember_experiment(event: ExperimentChanged, uow: TrackingUnitOfWork) -> None:
    after = Experiment(
        id=event.experiment,
        workspace=event.workspace,
        name=event.name,
        artifact_location=event.artifact_location,
        created_at=event.created_at,
        updated_at=event.updated_at,
        tags=event.tags,
        deleted=event.deleted,
    )
    await _keep_experiment(await uow.experiments.get(after.id), after, uow)
    if after.id == workspaces.default_experiment(after.workspace):
        await _open(after, uow)


async def remember_drop(event: WorkspaceDropped, uow: TrackingUnitOfWork) -> None:
    """All that is kept of it stays where it is, and nobody is shown it: it is of another generation."""
    before = await uow.workspaces.get(event.workspace) or Workspace(name=event.workspace)
    uow.workspaces.save(workspaces.dropped(before, event.generation))


async def remember_emptying(event: WorkspaceEmptied, uow: TrackingUnitOfWork) -> None:
    """That the registry's part of it is gone, too."""
    before = await uow.workspaces.get(event.workspace) or Workspace(name=event.workspace)
    uow.workspaces.save(workspaces.emptied(before, event.generation))


async def remember_model(event: ModelLogged, uow: TrackingUnitOfWork) -> None:
    await uow.logged_models.get(event.model_id)
    uow.logged_models.save(
        LoggedModel(
            id=event.model_id,
            workspace=event.workspace,
            experiment=event.experiment,
            name=event.name,
            artifact_uri=event.artifact_uri,
            created_at=event.created_at,
            updated_at=event.updated_at,
            status=event.status,
            model_type=event.model_type or "",
            source_run=event.source_run or "",
            parameters=event.parameters,
            tags=event.tags,
            deleted=event.deleted,
        )
    )


async def keep_note(run: Run, fact: Noted, uow: TrackingUnitOfWork) -> None:
    """The run with what was noted, and its points in the last document that has room."""
    after = client_runs.note(run, fact)
    await _keep_measured(run, fact, uow)
    if not fact.points:
        uow.runs.save(after)
        return
    assert run.sheet is not None, "only clients note"
    number = run.sheet.batches
    last = await uow.batches.get(batch_id(run.run_id, 0, number)) if number else None
    if last is not None and len(last.points) + len(fact.points) <= _CHUNK:
        points = last.points.then(fact.points)
    else:
        number, points = number + 1, fact.points
    uow.runs.save(client_runs.counted(after, number))
    uow.batches.save(Batch(run_id=run.run_id, attempt=0, sequence=number, points=points))


def begun(run: Run | None, event: RunStarted, *, chain: tuple[str, str]) -> Run:
    """A run that a client has begun, or this one where it is known."""
    filed = event.registration
    assert filed is not None, "the first start of a client's run files it"
    if run is not None:
        return client_runs.resume(run, event.attempt)
    registration = Registration(
        experiment=filed.experiment,
        workspace=filed.workspace,
        name=filed.name,
        artifact_uri=filed.artifact_uri,
        user=filed.user,
        tags=filed.tags,
    )
    return client_runs.begin(
        Begun(
            run_id=event.run_id,
            attempt=event.attempt,
            started_at=event.started_at,
            registration=registration,
            chain=chain,
        )
    )


def noted(event: RunLogged) -> Noted:
    return Noted(
        points=_points_of_columns(event.columns),
        measured=tuple(Measured(**vars(one)) for one in event.measured),
        parameters=event.parameters,
        tags=event.tags,
        removed_tags=event.removed_tags,
        name=event.name,
        deleted=event.deleted,
        scheduled=event.scheduled,
        datasets=tuple(DatasetInput(**vars(one)) for one in event.datasets),
        models_read=tuple(ModelLink(**vars(one)) for one in event.models_read),
        models_written=tuple(ModelLink(**vars(one)) for one in event.models_written),
    )


async def _open(default: Experiment, uow: TrackingUnitOfWork) -> None:
    """A workspace is there once its Default experiment is."""
    name, generation = parts(default.workspace)
    before = await uow.workspaces.get(name) or Workspace(name=name)
    after = workspaces.opened(before, generation, default.created_at)
    if after != before:
        uow.workspaces.save(after)


async def _keep_measured(run: Run, fact: Noted, uow: TrackingUnitOfWork) -> None:
    """Whether the model is known yet or not: a rebuild may hear of it later."""
    assert run.sheet is not None, "only clients note"
    for one in fact.measured:
        before = await uow.model_metrics.get(model_metrics_id(one.model_id, run.run_id))
        if before is None:
            before = ModelMetrics(model_id=one.model_id, run_id=run.run_id, workspace=run.sheet.workspace)
        uow.model_metrics.save(logged_models.measure(before, fact.points, one))


async def _remember(fact: Started | Completed | Failed, uow: TrackingUnitOfWork) -> None:
    experiment, name = workspaces.workflow_experiment(fact.workflow)
    if await uow.experiments.get(experiment) is None:
        made = Experiment(
            id=experiment,
            workspace=DEFAULT,
            name=name,
            artifact_location=f"mlflow-artifacts:/{experiment}",
            created_at=fact.started_at,
            updated_at=fact.started_at,
        )
        await _keep_experiment(None, made, uow)
    uow.runs.save(runs.fold(await uow.runs.get(fact.run_id), fact))


async def _keep_experiment(before: Experiment | None, after: Experiment, uow: TrackingUnitOfWork) -> None:
    """With its name, which is free again for others where it had another one before."""
    if before is None or before.name != after.name:
        if before is not None:
            await uow.experiment_names.get(name_id(before.workspace, before.name))
            uow.experiment_names.save(ExperimentName(workspace=before.workspace, name=before.name, experiment=""))
        await uow.experiment_names.get(name_id(after.workspace, after.name))
        uow.experiment_names.save(ExperimentName(workspace=after.workspace, name=after.name, experiment=after.id))
    uow.experiments.save(after)


def _points_of_columns(columns: MetricColumns | None) -> Points:
    if columns is None:
        return Points()
    return Points(names=columns.names, name=columns.name, step=columns.step, time=columns.time, value=columns.value)


def _points_of(points: tuple[MetricPoint, ...]) -> Points:
    places = {name: place for place, name in enumerate(dict.fromkeys(point.name for point in points))}
    return Points(
        names=tuple(places),
        name=tuple(places[point.name] for point in points),
        step=tuple(point.step for point in points),
        time=tuple(round(point.time.timestamp() * 1000) for point in points),
        value=tuple(point.value for point in points),
    )


def _chain(uow: TrackingUnitOfWork) -> tuple[str, str]:
    assert uow.cause is not None, "a run that a call begins names its chain itself"
    return uow.cause.correlation_id, uow.cause.id
