"""What may be asked of the registry; nothing here changes anything."""

from dataclasses import dataclass

from murmur_mlflow.workspaces import DEFAULT
from murmur_registry.domain.reviews import ReviewStatus
from murmur_registry.domain.versions import VersionStatus
from murmur_registry.domain.workspaces import is_gone
from murmur_registry.repository import RegistryUnitOfWork, version_id
from murmur_registry.schemas import (
    AliasMovePage,
    ModelDetailView,
    ModelPage,
    ReviewPage,
    VersionDetailView,
    VersionPage,
    model_view,
    move_view,
    review_view,
    version_detail_view,
    version_view,
)

HISTORY = 20
"""How many alias moves a model shows with itself."""


@dataclass(frozen=True, kw_only=True)
class Paging:
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListVersions(Paging):
    model: str
    status: VersionStatus | None = None


@dataclass(frozen=True, kw_only=True)
class ListModels(Paging):
    workspace: str


@dataclass(frozen=True, kw_only=True)
class ListReviews(Paging):
    model: str | None = None
    status: ReviewStatus | None = None


@dataclass(frozen=True, kw_only=True)
class ListMoves(Paging):
    model: str


async def list_models(query: ListModels, uow: RegistryUnitOfWork) -> ModelPage:
    """A page may have fewer items than its limit: those that were deleted are left out of it."""
    elsewhere = None if query.workspace == DEFAULT else query.workspace
    page = await uow.models.find(where={"elsewhere": elsewhere}, limit=query.limit, cursor=query.cursor)
    live = [model for model in page.items if await uow.model_there(model.key) is not None]
    return ModelPage(items=[model_view(model) for model in live], next=page.next)


async def show_model(key: str, uow: RegistryUnitOfWork) -> ModelDetailView:
    """Raises NotThere."""
    model = await uow.live_model(key)
    moves = await _moves(ListMoves(model=key, limit=HISTORY), uow)
    return ModelDetailView(**vars(model_view(model)), history=moves.items)


async def list_moves(query: ListMoves, uow: RegistryUnitOfWork) -> AliasMovePage:
    """Newest first. Raises NotThere."""
    await uow.live_model(query.model)
    return await _moves(query, uow)


async def _moves(query: ListMoves, uow: RegistryUnitOfWork) -> AliasMovePage:
    page = await uow.moves.find(where={"model": query.model}, descending=True, limit=query.limit, cursor=query.cursor)
    workspace = await uow.workspace_of(query.model)
    known = [move for move in page.items if not is_gone(move.at, workspace)]
    return AliasMovePage(
        items=[move_view(move) for move in known], next=page.next if len(known) == len(page.items) else None
    )


async def list_versions(query: ListVersions, uow: RegistryUnitOfWork) -> VersionPage:
    """Newest first; a page leaves out what was deleted. Raises NotThere."""
    model = await uow.live_model(query.model)
    where = {"model": query.model} | ({"status": query.status.value} if query.status else {})
    page = await uow.versions.find(
        where=where, order_by="version", descending=True, limit=query.limit, cursor=query.cursor
    )
    workspace = await uow.workspace_of(query.model)
    live = [one for one in page.items if not one.deleted and not is_gone(one.created_at, workspace)]
    items = [version_view(version, model) for version in live]
    return VersionPage(items=items, next=page.next)


async def show_version(name: tuple[str, int], uow: RegistryUnitOfWork) -> VersionDetailView:
    """Raises NotThere."""
    version = await uow.live_version(*name)
    return version_detail_view(version, await uow.live_model(name[0]), await uow.reviews.get(version_id(*name)))


async def list_reviews(query: ListReviews, uow: RegistryUnitOfWork) -> ReviewPage:
    """Newest first."""
    wanted = {"model": query.model, "status": query.status.value if query.status else None}
    page = await uow.reviews.find(
        where={name: value for name, value in wanted.items() if value is not None},
        order_by="requested_at",
        descending=True,
        limit=query.limit,
        cursor=query.cursor,
    )
    return ReviewPage(items=[review_view(review) for review in page.items], next=page.next)
