"""Runs and logged models brought over from another server, under the ids that they have there.

Each call says what is known of one so far, as the same events that its own client's calls would have become. Until the
last of them it bears a tag that says so: nobody takes half a run for a whole one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from murmur_events.base import ExperimentId, RunId
from murmur_events.runs import DatasetInput, Measured, ModelLink, Registration, RunStarted
from murmur_kernel.errors import Refused
from murmur_tracking import client_runs, experiments, logged_models
from murmur_tracking.domain import facts, imports
from murmur_tracking.domain.client_runs import RUN_NAME, ClientStatus
from murmur_tracking.domain.facts import Points
from murmur_tracking.domain.imports import INCOMPLETE
from murmur_tracking.domain.logged_models import LoggedModel, ModelStatus
from murmur_tracking.domain.runs import Run
from murmur_tracking.experiments import ExperimentOf
from murmur_tracking.repository import TrackingUnitOfWork


@dataclass(frozen=True, kw_only=True)
class ImportRun:
    """What is said of the run so far; what was said before stays.

    missing: why it is not whole yet, None: it is, with this.
    status, ended, deleted: None leaves as it is. Times are ms since 1970
    """

    workspace: str
    run_id: str
    experiment: str
    name: str
    user: str
    started: int
    missing: str | None
    points: Points = field(default_factory=Points)
    measured: tuple[Measured, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[DatasetInput, ...] = ()
    models_read: tuple[ModelLink, ...] = ()
    models_written: tuple[ModelLink, ...] = ()
    status: ClientStatus | None = None
    ended: int | None = None
    deleted: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ImportModel:
    """The logged model as it is on the other server. missing: as of a run."""

    workspace: str
    model_id: str
    experiment: str
    name: str
    model_type: str
    source_run: str
    status: ModelStatus
    created_at: datetime
    updated_at: datetime
    missing: str | None
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


async def take_run(command: ImportRun, uow: TrackingUnitOfWork) -> Run:
    """Raises NoSuchThing for its experiment, Refused where the id is taken, BadValue for a changed parameter."""
    run = await _begun(command, uow)
    client_runs.require_unchanged(run, command.parameters)
    for one in command.measured:
        await logged_models.require(logged_models.ModelOf(command.workspace, one.model_id), uow)
    assert run.sheet is not None, "only such runs are imported"
    known = run.sheet.models_written
    log = client_runs.LogToRun(
        run=client_runs.RunOf(command.workspace, command.run_id),
        points=command.points,
        measured=command.measured,
        parameters=command.parameters,
        tags={**command.tags, **({} if command.missing is None else {INCOMPLETE: command.missing})},
        removed_tags=(INCOMPLETE,) if command.missing is None else (),
        datasets=command.datasets,
        models_read=command.models_read,
        models_written=tuple(link for link in command.models_written if facts.ModelLink(**vars(link)) not in known),
    )
    run = await client_runs.tell(run, log, uow)
    run = await client_runs.turn(run, command.status, command.ended, uow)
    if command.deleted is not None:
        run = await client_runs.bin_or_not(run, command.deleted, uow)
    return run


async def take_model(command: ImportModel, uow: TrackingUnitOfWork) -> LoggedModel:
    """Raises NoSuchThing for its experiment, Refused where the id is somebody else's."""
    experiment = await experiments.require(ExperimentOf(command.workspace, command.experiment), uow)
    known = await uow.logged_models.get(command.model_id)
    if known is not None:
        _require_imported("logged model", known.id, known.workspace, known.tags, command.workspace)
    tags = {**(known.tags if known else {}), **command.tags}
    tags.pop(INCOMPLETE, None)
    if command.missing is not None:
        tags[INCOMPLETE] = command.missing
    model = LoggedModel(
        id=command.model_id,
        workspace=experiment.workspace,
        experiment=known.experiment if known else experiment.id,
        name=command.name,
        artifact_uri=known.artifact_uri if known else logged_models.artifacts_of(experiment, command.model_id),
        created_at=command.created_at,
        updated_at=command.updated_at,
        status=command.status,
        model_type=command.model_type,
        source_run=command.source_run,
        parameters={**(known.parameters if known else {}), **command.parameters},
        tags=tags,
        deleted=known is not None and known.deleted,
    )
    if known == model:
        return model
    return await logged_models.say(model, uow)


async def _begun(command: ImportRun, uow: TrackingUnitOfWork) -> Run:
    """The run as it is here, begun now if it is not. An experiment in the bin is no hindrance: its runs come too."""
    experiment = await experiments.require(ExperimentOf(command.workspace, command.experiment), uow)
    known = await uow.runs.get(command.run_id)
    if known is not None:
        tags = known.sheet.tags if known.sheet else {}
        _require_imported("run", known.run_id, client_runs.workspace_of(known), tags, command.workspace)
        return known
    event = RunStarted(
        run_id=RunId(command.run_id),
        attempt=1,
        started_at=client_runs.moment(command.started),
        registration=Registration(
            experiment=ExperimentId(experiment.id),
            workspace=experiment.workspace,
            name=command.name,
            user=command.user,
            artifact_uri=client_runs.artifacts_of(experiment, command.run_id),
            tags={RUN_NAME: command.name},
        ),
    )
    return client_runs.say_begun(event, uow)


def _require_imported(kind: str, named: str, workspace: str, tags: Mapping[str, str], wanted: str) -> None:
    """Raises Refused."""
    if workspace != wanted:
        raise Refused(
            f"the id {named!r} belongs to a {kind} of another workspace, or of one that was dropped: ids are those of"
            f" the other server, so each {kind} can be brought into one workspace of a flock"
        )
    if not imports.is_imported(tags):
        raise Refused(f"a {kind} {named!r} is here that was not imported: it is left as it is")
