"""The two commands that operators give: forbid an automation, allow it again. The trainer is their one writer."""

from dataclasses import dataclass

from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.base import WorkflowName
from murmur_kernel.errors import KernelError
from murmur_trainer.domain.freezes import Automation, Freeze, effective, never_frozen, scope_of
from murmur_trainer.repository import TrainerUnitOfWork
from murmur_trainer.schemas import FreezePage, FreezeView


class NotFrozen(KernelError):
    """There is nothing to lift at this scope."""

    def __init__(self, scope: str, holds: Freeze | None) -> None:
        hint = (
            f"{holds.words}; lift {holds.scope!r} instead" if holds else "nothing holds it: `murmur freezes` lists all"
        )
        super().__init__(f"{scope!r} is not frozen: {hint}")


@dataclass(frozen=True, kw_only=True)
class ChangeFreeze:
    """workflow None: all workflows."""

    what: Automation
    workflow: str | None
    by: str
    reason: str


async def freeze(command: ChangeFreeze, uow: TrainerUnitOfWork) -> FreezeView:
    """Publishes automation.frozen; what is frozen already stays as it is. Raises Missing for an unknown workflow."""
    if command.workflow is not None:
        await uow.workflows.require(command.workflow)
    before = await uow.freezes.get(scope_of(command.what, command.workflow))
    if before is not None and before.active:
        return FreezeView.of(before)
    before = before or never_frozen(command.what, command.workflow, uow.now)
    frozen = before.changed(active=True, by=command.by, reason=command.reason, at=uow.now)
    uow.freezes.save(frozen)
    uow.publish(
        AutomationFrozen(
            scope=frozen.scope,
            what=frozen.what,
            workflow=WorkflowName(frozen.workflow) if frozen.workflow else None,
            revision=frozen.revision,
            by=frozen.by,
            reason=frozen.reason,
        )
    )
    return FreezeView.of(frozen)


async def unfreeze(command: ChangeFreeze, uow: TrainerUnitOfWork) -> FreezeView:
    """Publishes automation.unfrozen. Raises NotFrozen, which names the wider freeze that holds, if one does."""
    before = await uow.freezes.get(scope_of(command.what, command.workflow))
    if before is None or not before.active:
        holds = await freeze_of(command.what, command.workflow, uow)
        raise NotFrozen(scope_of(command.what, command.workflow), holds)
    free = before.changed(active=False, by=command.by, reason=command.reason, at=uow.now)
    uow.freezes.save(free)
    uow.publish(
        AutomationUnfrozen(
            scope=free.scope,
            what=free.what,
            workflow=WorkflowName(free.workflow) if free.workflow else None,
            revision=free.revision,
            by=free.by,
            reason=free.reason,
        )
    )
    return FreezeView.of(free)


async def freeze_of(what: Automation, workflow: str | None, uow: TrainerUnitOfWork) -> Freeze | None:
    """The freeze that is in force there, of the workflow itself or of all."""
    narrow = await uow.freezes.get(scope_of(what, workflow)) if workflow else None
    return effective((narrow, await uow.freezes.get(scope_of(what, None))))


@dataclass(frozen=True, kw_only=True)
class ListFreezes:
    """active None: those that were lifted too."""

    active: bool | None = True
    limit: int = 50
    cursor: str | None = None


async def list_freezes(query: ListFreezes, uow: TrainerUnitOfWork) -> FreezePage:
    """By scope."""
    where = {} if query.active is None else {"active": query.active}
    page = await uow.freezes.find(where=where, order_by="scope", limit=query.limit, cursor=query.cursor)
    return FreezePage(items=tuple(FreezeView.of(freeze) for freeze in page.items), next=page.next)
