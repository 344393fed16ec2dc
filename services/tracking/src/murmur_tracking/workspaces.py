"""Workspaces by name: what one stands for now, which there are, and the end of one with all that is in it."""

from dataclasses import dataclass

from murmur_events.workspaces import WorkspaceDropped
from murmur_kernel.documents import Page
from murmur_kernel.errors import Missing, Refused
from murmur_mlflow.refusals import NotHeard
from murmur_mlflow.workspaces import DEFAULT, parts
from murmur_tracking import experiments, handlers
from murmur_tracking.domain import workspaces
from murmur_tracking.domain.runs import Run
from murmur_tracking.domain.workspaces import Workspace
from murmur_tracking.repository import WORKSPACES, TrackingUnitOfWork

DROP_ARTIFACTS = "drop-artifacts"
"""The job that takes away the names of artifacts of a workspace that is gone."""


@dataclass(frozen=True)
class ListWorkspaces:
    limit: int = 50
    cursor: str | None = None


async def find(name: str, uow: TrackingUnitOfWork) -> Workspace | None:
    """None where nobody has used it since it was dropped, if it ever was there."""
    found = await uow.workspaces.get(name)
    return found if found and found.exists else None


async def current(name: str, uow: TrackingUnitOfWork) -> str:
    """As what it is kept, whether it is there or not."""
    return (await uow.workspaces.get(name) or Workspace(name=name)).current


async def open_one(name: str, uow: TrackingUnitOfWork) -> str:
    """Have it there, with its Default experiment. Answers as what it is kept now."""
    known = await uow.workspaces.get(name) or Workspace(name=name)
    if not known.exists:
        await experiments.create_default(known.current, uow)
        if await uow.workspaces.get(name) is None:  # its experiment was there before workspaces were kept
            uow.workspaces.save(workspaces.opened(known, known.generation, uow.now))
    return known.current


async def list_all(query: ListWorkspaces, uow: TrackingUnitOfWork) -> Page[Workspace]:
    """By name."""
    return await uow.workspaces.find(where={"exists": True}, order_by="name", limit=query.limit, cursor=query.cursor)


async def drop(name: str, uow: TrackingUnitOfWork) -> Workspace:
    """Everything of it is gone once this commits, and all its names are free. Raises Missing, Refused."""
    if name == DEFAULT:
        raise Refused(
            f"workspace {name!r} cannot be dropped: the runs of all workflows are in it, and calls that name no"
            f" workspace mean it; delete its experiments instead"
        )
    before = await find(name, uow)
    if before is None:
        raise Missing(WORKSPACES.name, name)
    event = WorkspaceDropped(workspace=name, generation=before.generation, dropped_at=uow.now)
    uow.publish(event)
    await handlers.remember_drop(event, uow)
    uow.enqueue(DROP_ARTIFACTS, job_id=f"{DROP_ARTIFACTS}/{before.current}", payload={"workspace": before.current})
    return before


async def see_emptied(ended: Workspace, uow: TrackingUnitOfWork) -> bool:
    """True. Raises NotHeard until the registry has let go of the models of this generation."""
    found = await uow.workspaces.get(ended.name)
    if found is None or found.emptied is None or found.emptied < ended.generation:
        raise NotHeard(Missing("workspace.emptied", ended.name))
    return True


async def is_there(run: Run, uow: TrackingUnitOfWork) -> bool:
    """False for a run of a workspace that was dropped."""
    if run.sheet is None:
        return True
    name, generation = parts(run.sheet.workspace)
    found = await uow.workspaces.get(name)
    return generation == (found.generation if found else 0)
