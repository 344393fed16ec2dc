"""What the registry keeps of tracking's facts: logged models, folders of experiments, and the ends of workspaces."""

from dataclasses import dataclass

from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.workspaces import WorkspaceDropped, WorkspaceEmptied
from murmur_mlflow.refusals import NotHeard
from murmur_mlflow.workspaces import DEFAULT, parts
from murmur_registry.domain import workspaces
from murmur_registry.domain.logged_models import LocalExperiment, LoggedModel
from murmur_registry.domain.models import RegisteredModel
from murmur_registry.domain.paths import is_local
from murmur_registry.domain.refusals import NotThere
from murmur_registry.domain.workspaces import Workspace
from murmur_registry.repository import RegistryUnitOfWork, every
from murmur_registry.webhooks.commands import delete_webhooks_of

REGISTERED = "mlflow.modelVersions"
"""The tag of a logged model that lists the versions made of it; tracking writes it."""


@dataclass(frozen=True)
class Registered:
    """A version that was made of a logged model."""

    workspace: str
    logged_model: str
    name: str
    version: int


async def see_registered(query: Registered, uow: RegistryUnitOfWork) -> None:
    """Raises NotHeard until tracking has noted it on the logged model, where that is there."""
    model = await uow.logged_models.get(query.logged_model)
    if model is None or not model.is_in(query.workspace, await uow.workspaces.get(query.workspace)):
        return
    if not model.tells_of(query.name, query.version):
        raise NotHeard(NotThere(f"nothing of {query.name} v{query.version} on {query.logged_model}"))


async def remember_logged_model(event: ModelLogged, uow: RegistryUnitOfWork) -> None:
    sequence = uow.cause.sequence if uow.cause else 0
    known = await uow.logged_models.get(event.model_id)
    if known is not None and known.sequence > sequence:
        return
    workspace, generation = parts(event.workspace)
    uow.logged_models.save(
        LoggedModel(
            id=event.model_id,
            workspace=workspace,
            generation=generation,
            artifact_uri=event.artifact_uri,
            source_run=event.source_run,
            registered=event.tags.get(REGISTERED, "[]"),
            deleted=event.deleted,
            sequence=sequence,
        )
    )


async def remember_folder(event: ExperimentChanged, uow: RegistryUnitOfWork) -> None:
    """Of the few experiments that have one; it never changes."""
    if not is_local(event.artifact_location) or await uow.local_experiments.get(event.experiment) is not None:
        return
    workspace, generation = parts(event.workspace)
    uow.local_experiments.save(
        LocalExperiment(
            id=event.experiment, workspace=workspace, generation=generation, location=event.artifact_location
        )
    )


async def drop_workspace(event: WorkspaceDropped, uow: RegistryUnitOfWork) -> None:
    """What was made in it up to then is gone, with its history, and its webhooks. Not so what a client has made since.

    Said even where nothing was in it: whoever dropped it waits for that.
    """
    if event.workspace == DEFAULT:
        return
    before = await uow.workspaces.get(event.workspace)
    after = workspaces.dropped(before, event.workspace, event.generation, event.dropped_at)
    if after == before:
        return
    uow.workspaces.save(after)
    ended = 0
    async for model in every(uow.models, {"elsewhere": event.workspace}):
        if not model.deleted and workspaces.is_gone(model.created_at, after):
            left = await _left_of(model, after, uow)
            uow.models.save(left)
            ended += left.deleted
    await delete_webhooks_of(after, uow)
    uow.publish(WorkspaceEmptied(workspace=event.workspace, generation=event.generation, models=ended))


async def _left_of(model: RegisteredModel, workspace: Workspace, uow: RegistryUnitOfWork) -> RegisteredModel:
    made = [
        (version.version, version.created_at)
        async for version in every(uow.versions, {"model": model.key})
        if not version.deleted and not workspaces.is_gone(version.created_at, workspace)
    ]
    if not made:
        return workspaces.ended(model)
    changes = [change async for change in every(uow.changes, {"model": model.key})]
    return workspaces.begun_anew(model, workspace, made, changes)
