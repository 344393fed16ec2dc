"""What clients do to experiments: each command says experiment.changed and keeps it, in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from murmur_events.base import ExperimentId
from murmur_events.experiments import ExperimentChanged
from murmur_mlflow.refusals import AlreadyThere, BadValue, NoSuchThing, WrongState
from murmur_tracking import handlers
from murmur_tracking.domain import workspaces
from murmur_tracking.domain.experiments import Experiment
from murmur_tracking.domain.refusals import no_experiment
from murmur_tracking.repository import TrackingUnitOfWork, name_id

_LARGEST_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class CreateExperiment:
    """artifact_location: None for the place of its own below the proxied root."""

    workspace: str
    name: str
    artifact_location: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentOf:
    """An experiment as a client of the workspace names it."""

    workspace: str
    shown: str

    @property
    def id(self) -> str:
        return workspaces.reference(self.shown, self.workspace)


@dataclass(frozen=True)
class Rename:
    experiment: ExperimentOf
    name: str


@dataclass(frozen=True)
class Tag:
    """value: None takes the tag away."""

    experiment: ExperimentOf
    key: str
    value: str | None


async def create_default(workspace: str, uow: TrackingUnitOfWork) -> None:
    """The experiment that clients use who name none."""
    experiment = workspaces.default_experiment(workspace)
    if await uow.experiments.get(experiment) is None:
        name = workspaces.DEFAULT_NAME
        await _say(_new(experiment, CreateExperiment(workspace=workspace, name=name), uow), uow)


async def create(command: CreateExperiment, uow: TrackingUnitOfWork) -> str:
    """Its id, as it is shown. Raises AlreadyThere, also where the one of that name is in the bin."""
    await _free(command.workspace, command.name, uow)
    experiment = str(int(uow.new_id("experiment").replace("-", "")[:15], 16))
    await _say(_new(experiment, command, uow), uow)
    return workspaces.shown(experiment)


async def rename(command: Rename, uow: TrackingUnitOfWork) -> None:
    """Raises NoSuchThing, WrongState for one in the bin, AlreadyThere."""
    experiment = await require(command.experiment, uow)
    if experiment.deleted:
        raise WrongState("Cannot rename a non-active experiment.")
    if experiment.name != command.name:
        await _free(experiment.workspace, command.name, uow)
        await _say(replace(experiment, name=command.name, updated_at=uow.now), uow)


async def delete(which: ExperimentOf, uow: TrackingUnitOfWork) -> None:
    """Into the bin, its runs with it. Raises NoSuchThing, also for one that is there."""
    await _move(which, uow, deleted=True)


async def restore(which: ExperimentOf, uow: TrackingUnitOfWork) -> None:
    """Out of the bin. Raises NoSuchThing, also for one that is not in it."""
    await _move(which, uow, deleted=False)


async def tag(command: Tag, uow: TrackingUnitOfWork) -> None:
    """Raises NoSuchThing, BadValue for an experiment in the bin."""
    experiment = await require(command.experiment, uow)
    require_active(experiment)
    tags = dict(experiment.tags)
    if command.value is None:
        if tags.pop(command.key, None) is None:
            raise NoSuchThing(f"No tag with name: {command.key} in experiment with id {command.experiment.shown}")
    else:
        tags[command.key] = command.value
    await _say(replace(experiment, tags=tags), uow)


async def require(which: ExperimentOf, uow: TrackingUnitOfWork) -> Experiment:
    """Raises NoSuchThing, also for one of another workspace."""
    experiment = await uow.experiments.get(which.id)
    if experiment is None or experiment.workspace != which.workspace:
        raise no_experiment(which.shown)
    return experiment


def require_active(experiment: Experiment) -> None:
    """Raises BadValue."""
    if experiment.deleted:
        raise BadValue(
            f"The experiment {workspaces.shown(experiment.id)} must be in the 'active' state. Current state is deleted."
        )


async def named(which: tuple[str, str], uow: TrackingUnitOfWork) -> Experiment:
    """By workspace and name. Raises NoSuchThing."""
    taken = await uow.experiment_names.get(name_id(*which))
    found = await uow.experiments.get(taken.experiment) if taken and taken.experiment else None
    if found is None:
        raise NoSuchThing(f"Could not find experiment with name '{which[1]}'")
    return found


async def all_of(workspace: str, uow: TrackingUnitOfWork) -> list[Experiment]:
    found: list[Experiment] = []
    cursor: str | None = None
    while True:
        page = await uow.experiments.find(where={"workspace": workspace}, limit=_LARGEST_PAGE, cursor=cursor)
        found += page.items
        if (cursor := page.next) is None:
            return found


async def _move(which: ExperimentOf, uow: TrackingUnitOfWork, *, deleted: bool) -> None:
    experiment = await require(which, uow)
    if experiment.deleted is deleted:
        raise no_experiment(which.shown)
    await _say(replace(experiment, deleted=deleted, updated_at=uow.now), uow)


async def _free(workspace: str, name: str, uow: TrackingUnitOfWork) -> None:
    taken = await uow.experiment_names.get(name_id(workspace, name))
    if (taken and taken.experiment) or name.startswith(workspaces.RESERVED):
        raise AlreadyThere(f"Experiment(name={name}) already exists.")


def _new(experiment: str, command: CreateExperiment, uow: TrackingUnitOfWork) -> Experiment:
    return Experiment(
        id=experiment,
        workspace=command.workspace,
        name=command.name,
        artifact_location=command.artifact_location or f"mlflow-artifacts:/{experiment.replace(':', '-')}",
        created_at=uow.now,
        updated_at=uow.now,
        tags=command.tags,
    )


async def _say(experiment: Experiment, uow: TrackingUnitOfWork) -> None:
    event = ExperimentChanged(
        experiment=ExperimentId(experiment.id),
        workspace=experiment.workspace,
        name=experiment.name,
        artifact_location=experiment.artifact_location,
        tags=dict(experiment.tags),
        deleted=experiment.deleted,
        created_at=experiment.created_at,
        updated_at=experiment.updated_at,
    )
    uow.publish(event)
    await handlers.remember_experiment(event, uow)
