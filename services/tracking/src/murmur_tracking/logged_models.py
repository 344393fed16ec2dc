"""What clients do to the models that they log: each command says model.logged and keeps it, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from murmur_events.base import ExperimentId, RunId
from murmur_events.experiments import ModelLogged
from murmur_kernel.documents import Scalar
from murmur_kernel.unit_of_work import Collection
from murmur_mlflow.refusals import BadValue, NoSuchThing
from murmur_tracking import experiments, handlers
from murmur_tracking.domain import names
from murmur_tracking.domain.logged_models import LoggedModel, ModelMetrics, ModelStatus
from murmur_tracking.domain.refusals import no_model
from murmur_tracking.experiments import ExperimentOf
from murmur_tracking.repository import TrackingUnitOfWork

T = TypeVar("T")

_AT_ONCE = 500


@dataclass(frozen=True)
class ModelOf:
    """A logged model as a client of the workspace names it."""

    workspace: str
    model_id: str


@dataclass(frozen=True, kw_only=True)
class CreateModel:
    """name: None for one of our choosing."""

    experiment: ExperimentOf
    name: str | None = None
    model_type: str = ""
    source_run: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ChangeModel:
    """What is told of it anew. None: nothing of that."""

    model: ModelOf
    status: ModelStatus | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    removed_tag: str | None = None


@dataclass(frozen=True)
class MeasuredModel:
    """A model, and what each run measured of it."""

    model: LoggedModel
    measured: Sequence[ModelMetrics]


async def create(command: CreateModel, uow: TrackingUnitOfWork) -> LoggedModel:
    """Raises NoSuchThing, BadValue for an experiment in the bin."""
    experiment = await experiments.require(command.experiment, uow)
    experiments.require_active(experiment)
    number = uow.new_id("logged-model").replace("-", "")
    model_id = f"m-{number}"
    model = LoggedModel(
        id=model_id,
        workspace=experiment.workspace,
        experiment=experiment.id,
        name=command.name or names.made_of(number),
        artifact_uri=f"{experiment.artifact_location.rstrip('/')}/models/{model_id}/artifacts",
        created_at=uow.now,
        updated_at=uow.now,
        model_type=command.model_type,
        source_run=command.source_run,
        parameters=command.parameters,
        tags=command.tags,
    )
    return await say(model, uow)


async def change(command: ChangeModel, uow: TrackingUnitOfWork) -> LoggedModel:
    """Raises NoSuchThing, also for a tag that is not there, and BadValue for a parameter that would change."""
    model = await require(command.model, uow)
    known = model.parameters
    for key, value in command.parameters.items():
        if known.get(key, value) != value:
            raise BadValue(
                f"Changing param values is not allowed. Param with key='{key}' was already logged with"
                f" value='{known[key]}' for model ID='{model.id}'. Attempted logging new value '{value}'."
            )
    tags = {**model.tags, **command.tags}
    if command.removed_tag is not None and tags.pop(command.removed_tag, None) is None:
        raise NoSuchThing(f"No tag with key {command.removed_tag!r} found for model with ID {model.id!r}.")
    after = replace(model, parameters={**known, **command.parameters}, tags=tags)
    if command.status is not None:
        after = replace(after, status=command.status, updated_at=uow.now)
    return model if after == model else await say(after, uow)


async def delete(which: ModelOf, uow: TrackingUnitOfWork) -> None:
    """It is found by its id alone from now on, by whoever asks for deleted ones. Raises NoSuchThing."""
    model = await require(which, uow)
    if not model.deleted:
        await say(replace(model, deleted=True, updated_at=uow.now), uow)


async def require(which: ModelOf, uow: TrackingUnitOfWork) -> LoggedModel:
    """Deleted or not. Raises NoSuchThing, also for one of another workspace."""
    model = await uow.logged_models.get(which.model_id)
    if model is None or model.workspace != which.workspace:
        raise no_model(which.model_id)
    return model


async def show(which: tuple[ModelOf, bool], uow: TrackingUnitOfWork) -> MeasuredModel:
    """Raises NoSuchThing, for a deleted one unless deleted ones are asked for too (True)."""
    model = await require(which[0], uow)
    if model.deleted and not which[1]:
        raise no_model(model.id)
    return MeasuredModel(model, await _all(uow.model_metrics, {"model_id": model.id, "workspace": which[0].workspace}))


async def all_of(which: tuple[str, Sequence[str]], uow: TrackingUnitOfWork) -> list[MeasuredModel]:
    """Those of a workspace's experiments (ids) that are not deleted."""
    workspace, wanted = which
    found = [
        model
        for experiment in dict.fromkeys(wanted)
        for model in await _all(uow.logged_models, {"workspace": workspace, "experiment": experiment})
        if not model.deleted
    ]
    measured: dict[str, list[ModelMetrics]] = {model.id: [] for model in found}
    if found:
        for one in await _all(uow.model_metrics, {"workspace": workspace}):
            if one.model_id in measured:
                measured[one.model_id].append(one)
    return [MeasuredModel(model, measured[model.id]) for model in found]


async def artifact_root(which: ModelOf, uow: TrackingUnitOfWork) -> str:
    """Raises NoSuchThing."""
    return (await show((which, False), uow)).model.artifact_uri


async def _all(collection: Collection[T], where: Mapping[str, Scalar]) -> list[T]:
    found: list[T] = []
    cursor: str | None = None
    while True:
        page = await collection.find(where=where, limit=_AT_ONCE, cursor=cursor)
        found += page.items
        if (cursor := page.next) is None:
            return found


async def say(model: LoggedModel, uow: TrackingUnitOfWork) -> LoggedModel:
    event = ModelLogged(
        model_id=model.id,
        workspace=model.workspace,
        experiment=ExperimentId(model.experiment),
        name=model.name,
        status=model.status,
        artifact_uri=model.artifact_uri,
        model_type=model.model_type or None,
        source_run=RunId(model.source_run) if model.source_run else None,
        parameters=dict(model.parameters),
        tags=dict(model.tags),
        deleted=model.deleted,
        created_at=model.created_at,
        updated_at=model.updated_at,
    )
    uow.publish(event)
    await handlers.remember_model(event, uow)
    return model
