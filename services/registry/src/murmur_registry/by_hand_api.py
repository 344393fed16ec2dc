"""REST: aliases and rules by hand, with a reason; what is remembered, and how it was."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from murmur_kernel.auth import Caller, Role, allows
from murmur_kernel.commands import Done
from murmur_kernel.service import Service
from murmur_mlflow.hearing import Hearing
from murmur_registry.api import AsOf, Cursor, Limit, ModelKey
from murmur_registry.by_hand_schemas import (
    AliasBody,
    AliasesView,
    AliasRollbackBody,
    AliasRollbackView,
    By,
    ChangePage,
    NumberedView,
    Reason,
    RulesBody,
    RulesView,
    VersionBody,
    change_view,
    rules_of,
    rules_view,
)
from murmur_registry.callers import because, let_in
from murmur_registry.cataloguing import SetRules, set_rules
from murmur_registry.domain.models import RegisteredModel, name_in
from murmur_registry.domain.workspaces import is_gone
from murmur_registry.pointing import PointAlias, Pointing
from murmur_registry.recalling import Recall, recall
from murmur_registry.repository import RegistryUnitOfWork
from murmur_registry.rolling_back import RollBackAlias, RolledBack, RollingBack
from murmur_registry.versioning import MakeVersion, make_version


@dataclass(frozen=True, kw_only=True)
class ListChanges:
    model: str
    limit: int
    cursor: str | None


async def list_changes(query: ListChanges, uow: RegistryUnitOfWork) -> ChangePage:
    """Newest first; of a model that was deleted, too."""
    page = await uow.changes.find(where={"model": query.model}, descending=True, limit=query.limit, cursor=query.cursor)
    workspace = await uow.workspace_of(query.model)
    known = [change for change in page.items if not is_gone(change.at, workspace)]
    return ChangePage(
        items=[change_view(change) for change in known], next=page.next if len(known) == len(page.items) else None
    )


async def show_aliases(query: tuple[str, datetime | None], uow: RegistryUnitOfWork) -> AliasesView:
    """Raises NotThere."""
    key, at = query
    if at is None:
        return AliasesView(aliases=(await uow.live_model(key)).named)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return AliasesView(aliases=dict((await recall(Recall(key=key, at=at), uow)).aliases))


async def show_rules(key: str, uow: RegistryUnitOfWork) -> RulesView:
    """Raises NotThere."""
    return rules_view(name_in(key), (await uow.live_model(key)).rules)


async def make_numbered(command: MakeVersion, uow: RegistryUnitOfWork) -> NumberedView:
    """Raises Invalid, NotThere, Taken, NotPossible."""
    version, _ = await make_version(command, uow)
    return NumberedView(model=version.name, version=version.version)


def router(service: Service[RegistryUnitOfWork], pointing: Pointing, hearing: Hearing) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["by hand"])
    rolling_back = RollingBack(pointing.handlers)

    @api.get("/models/{name}/aliases", dependencies=[allows(Role.VIEWER)])
    async def list_aliases(model: ModelKey, as_of: AsOf = None) -> AliasesView:
        """The version that each alias names. With `as_of`: that it named then."""
        return await service.read(show_aliases, (model, as_of))

    @api.get("/models/{name}/changes", dependencies=[allows(Role.VIEWER)])
    async def changes(model: ModelKey, limit: Limit = 50, cursor: Cursor = None) -> ChangePage:
        """All that was ever changed of it: who, when, why, at which door, and what caused it. Newest first."""
        return await service.read(list_changes, ListChanges(model=model, limit=limit, cursor=cursor))

    @api.put("/models/{name}/aliases/{alias}", dependencies=[allows(Role.VIEWER), Depends(let_in)])
    async def set_alias(model: ModelKey, alias: str, body: AliasBody, caller: Caller) -> Done:
        """Authors and approvers, as the model's rules say; production of a workflow's model: approvers alone."""
        why = because(caller, body.by, body.reason)
        command = PointAlias(key=model, alias=alias, version=body.version, because=why)
        await service.change(pointing.point_alias, command, answer=type(None))
        return Done()

    @api.delete("/models/{name}/aliases/{alias}", dependencies=[allows(Role.VIEWER), Depends(let_in)])
    async def remove_alias(
        model: ModelKey,
        alias: str,
        caller: Caller,
        reason: Annotated[Reason, Query()],
        by: Annotated[By, Query()] = None,
    ) -> Done:
        """It names no version any more."""
        command = PointAlias(key=model, alias=alias, version=None, because=because(caller, by, reason))
        await service.change(pointing.point_alias, command, answer=type(None))
        return Done()

    @api.post("/models/{name}/aliases/{alias}/rollback", dependencies=[allows(Role.VIEWER), Depends(let_in)])
    async def roll_back(
        model: ModelKey, alias: str, body: AliasRollbackBody, caller: Caller, response: Response
    ) -> AliasRollbackView:
        """To what it named before. 202 for production of a workflow's model: the deployer leads back first."""
        why = because(caller, body.by, body.reason)
        command = RollBackAlias(key=model, alias=alias, to=body.to, because=why)
        done = await service.change(rolling_back.roll_back, command, answer=RolledBack)
        response.status_code = 202 if done.requested else 200
        return AliasRollbackView(model=name_in(model), **vars(done))

    @api.put("/models/{name}/versions/{version}", status_code=201, dependencies=[allows(Role.AUTHOR)])
    async def bring_version(
        model: ModelKey, version: Annotated[int, Path(ge=1)], body: VersionBody, caller: Caller
    ) -> NumberedView:
        """For `murmur import`: a version under the number that it has elsewhere, which none here has or had (409)."""
        told = body.model_dump(exclude={"by", "reason"})
        why = because(caller, body.by, body.reason)
        user = caller.person.subject if caller.person else None
        command = MakeVersion(key=model, number=version, user=user, because=why, **told)
        return await hearing.once_heard(lambda: service.change(make_numbered, command, answer=NumberedView))

    @api.get("/models/{name}/rules", dependencies=[allows(Role.VIEWER)])
    async def read_rules(model: ModelKey) -> RulesView:
        """Of a model that clients make; those of a workflow's stand in workflow.yaml."""
        return await service.read(show_rules, model)

    @api.put("/models/{name}/rules", dependencies=[allows(Role.APPROVER)])
    async def put_rules(model: ModelKey, body: RulesBody, caller: Caller) -> RulesView:
        """In place of those that it has."""
        command = SetRules(key=model, rules=rules_of(body), because=because(caller, body.by, body.reason))
        await service.change(set_rules, command, answer=RegisteredModel)
        return rules_view(name_in(model), command.rules)

    return api
