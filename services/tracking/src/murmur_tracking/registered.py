"""What the registry makes of logged models: each tells, in a tag of MLflow's, of which versions it is."""

from dataclasses import replace

from murmur_events.registry import VersionChanged
from murmur_tracking import logged_models, workspaces
from murmur_tracking.domain.logged_models import VERSIONS, with_version
from murmur_tracking.repository import TrackingUnitOfWork


async def note_version(event: VersionChanged, uow: TrackingUnitOfWork) -> None:
    """Once; what a client has written there by itself stays."""
    if event.logged_model is None or event.deleted:
        return
    model = await uow.logged_models.get(event.logged_model)
    if model is None or model.deleted or model.workspace != await workspaces.current(event.workspace, uow):
        return
    before = model.tags.get(VERSIONS, "[]")
    after = with_version(before, event.name, event.version)
    if after != before:
        await logged_models.say(replace(model, tags={**model.tags, VERSIONS: after}), uow)
