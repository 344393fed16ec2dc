"""The registry's REST door: it parses, calls a handler, returns a schema."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query

from murmur_kernel.auth import Caller, Role, allows
from murmur_kernel.service import Service
from murmur_mlflow.workspaces import DEFAULT
from murmur_registry import views
from murmur_registry.by_hand_schemas import ModelThenView, VersionsThen, VersionThenView, model_then_view
from murmur_registry.domain.models import model_key, name_in
from murmur_registry.domain.names import workspace_named
from murmur_registry.domain.refusals import no_version
from murmur_registry.domain.reviews import BaselineMoved, ReviewStatus
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.recalling import Recall, recall
from murmur_registry.repository import RegistryUnitOfWork
from murmur_registry.reviews import DecideReview, Reviews
from murmur_registry.schemas import (
    AliasMovePage,
    ModelDetailView,
    ModelPage,
    ReviewBody,
    ReviewPage,
    ReviewView,
    VersionDetailView,
    VersionPage,
)

Limit = Annotated[int, Query(ge=1, le=500, description="items a page")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]
AsOf = Annotated[datetime | None, Query(description="a time: the answer is what was so then")]
Workspace = Annotated[str, Header(alias="X-Murmur-Workspace", description="names are unique within one")]


def key_of(name: str, workspace: Workspace = DEFAULT) -> str:
    """The key of the model that a call is about."""
    return model_key(workspace_named(workspace), name)


ModelKey = Annotated[str, Depends(key_of)]


def router(service: Service[RegistryUnitOfWork], reviews: Reviews) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["registry"])

    async def then(key: str, at: datetime) -> ModelThenView:
        """As of that time, which is UTC's where it names no zone. Raises NotThere."""
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return model_then_view(await service.read(recall, Recall(key=key, at=at)), at)

    @api.get("/models", dependencies=[allows(Role.VIEWER)])
    async def list_models(workspace: Workspace = DEFAULT, limit: Limit = 50, cursor: Cursor = None) -> ModelPage:
        """In the order of their making. A page may be shorter than its limit: what was deleted is left out of it."""
        query = views.ListModels(workspace=workspace_named(workspace), limit=limit, cursor=cursor)
        return await service.read(views.list_models, query)

    @api.get("/models/{name}", dependencies=[allows(Role.VIEWER)])
    async def show_model(model: ModelKey, as_of: AsOf = None) -> ModelDetailView | ModelThenView:
        """One model, its aliases, and who moved them when and why. With `as_of`: how it was then."""
        return await then(model, as_of) if as_of else await service.read(views.show_model, model)

    @api.get("/models/{name}/moves", dependencies=[allows(Role.VIEWER)])
    async def list_moves(model: ModelKey, limit: Limit = 50, cursor: Cursor = None) -> AliasMovePage:
        """The whole history of its aliases, newest first."""
        return await service.read(views.list_moves, views.ListMoves(model=model, limit=limit, cursor=cursor))

    @api.get("/models/{name}/versions", dependencies=[allows(Role.VIEWER)])
    async def list_versions(
        model: ModelKey,
        status: VersionStatus | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
        as_of: AsOf = None,
    ) -> VersionPage | VersionsThen:
        """Newest first. With `as_of`: all that there were then, as they were then."""
        if as_of is not None:
            return VersionsThen(items=(await then(model, as_of)).versions)
        query = views.ListVersions(model=model, status=status, limit=limit, cursor=cursor)
        return await service.read(views.list_versions, query)

    @api.get("/models/{name}/versions/{version}", dependencies=[allows(Role.VIEWER)])
    async def show_version(model: ModelKey, version: int, as_of: AsOf = None) -> VersionDetailView | VersionThenView:
        """One version, its verdict, its review, and what it waits for. With `as_of`: how it was then."""
        if as_of is None:
            return await service.read(views.show_version, (model, version))
        for one in (await then(model, as_of)).versions:
            if one.version == version:
                return one
        raise no_version(name_in(model), version)

    @api.get("/reviews", dependencies=[allows(Role.VIEWER)])
    async def list_reviews(
        status: ReviewStatus | None = None, model: str | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> ReviewPage:
        """Newest first; `status=open` are those that wait for a person."""
        query = views.ListReviews(status=status, model=model, limit=limit, cursor=cursor)
        return await service.read(views.list_reviews, query)

    @api.post("/models/{name}/versions/{version}/review", dependencies=[allows(Role.APPROVER)])
    async def decide_review(name: str, version: int, body: ReviewBody, caller: Caller) -> ReviewView:
        """Approve or refuse. 409: nobody is asked about this version now, or production moved since its verdict."""
        command = DecideReview(name, version, body.decision, caller.signs_as(body.by), body.reason)
        review = await service.change(reviews.decide, command, answer=ReviewView)
        if review.status is ReviewStatus.OUTDATED:
            raise BaselineMoved(name, version, review.baseline)
        return review

    return api
