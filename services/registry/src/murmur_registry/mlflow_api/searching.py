"""Searches over models and versions: filter and order in the platform's search language, in pages.

A filter that names a model or a run is answered from the index; all others look at every version of the workspace.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from murmur_mlflow.door import Json
from murmur_mlflow.pages import slice_page
from murmur_mlflow.workspaces import DEFAULT
from murmur_registry.domain.models import RegisteredModel, model_key
from murmur_registry.domain.refusals import Invalid
from murmur_registry.domain.workspaces import is_gone
from murmur_registry.mlflow_api.answers import latest_of_each_stage, milliseconds, model_answer, version_answer
from murmur_registry.mlflow_api.calls import Call, Desk
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, every
from murmur_registry.sources import IS_PROMPT
from murmur_search import (
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    And,
    Compare,
    Field,
    Filter,
    Kind,
    Like,
    Not,
    OneOf,
    Or,
    Order,
    Present,
    Schema,
    SearchRefused,
    parse_filter,
    parse_order,
)
from murmur_search.evaluate import Entity, evaluate, ordered

T = TypeVar("T")

MOST_MODELS, MOST_VERSIONS = 1_000, 200_000
PROMPT = Field(Kind.TAG, IS_PROMPT)


@dataclass(frozen=True, kw_only=True)
class Search:
    workspace: str
    filter: Filter | None
    orders: tuple[Order, ...]
    text: str
    limit: int
    token: str | None

    def page_of(self, found: Sequence[T]) -> tuple[Sequence[T], Json]:
        """And the token of the next one, if there is more. Raises BadValue for a token that no page of this search
        gave."""
        return slice_page(found, self.limit, self.token, search=self.text)

    def asks_for(self, name: str) -> str | None:
        """What the attribute must equal, if all that fits must."""
        parts = self.filter.parts if isinstance(self.filter, And) else (self.filter,)
        for one in parts:
            if isinstance(one, Compare) and (one.field, one.operator) == (Field(Kind.ATTRIBUTE, name), "="):
                return str(one.value)
        return None

    def fits(self, entity: Entity) -> bool:
        """Prompts are left out unless the filter says something of them."""
        spoken_of = any(field == PROMPT for field in _fields(self.filter))
        return (spoken_of or entity.tags[IS_PROMPT].lower() != "true") and evaluate(self.filter, entity)


def _fields(filter: Filter | None) -> Iterator[Field]:
    match filter:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _fields(part)
        case Not(part):
            yield from _fields(part)
        case Compare() | Like() | OneOf() | Present():
            yield filter.field
        case _:
            return


async def models(desk: Desk, call: Call) -> Json:
    most = call.fields.integer("max_results", 100, most=MOST_MODELS)
    search = _search(call, REGISTERED_MODELS, most)
    found, more = await desk.read(_models, search)
    return _answer("registered_models", found, more)


async def versions(desk: Desk, call: Call) -> Json:
    most = call.fields.integer("max_results", MOST_VERSIONS, most=MOST_VERSIONS)
    if most < 1:
        raise Invalid(f"Invalid value for max_results. It must be a positive integer, but got {most}")
    search = _search(call, MODEL_VERSIONS, most)
    found, more = await desk.read(_versions, search)
    return _answer("model_versions", found, more)


def _search(call: Call, schema: Schema, most: int) -> Search:
    """Raises Invalid, which points at the place of the mistake."""
    text = call.fields.text("filter")
    clauses = call.fields.texts("order_by")
    try:
        return Search(
            workspace=call.workspace,
            filter=parse_filter(text, schema),
            orders=parse_order(clauses, schema),
            text=f"{text}\n{clauses}",
            limit=most,
            token=call.fields.optional("page_token"),
        )
    except SearchRefused as refusal:
        raise Invalid(str(refusal)) from None


async def _models(search: Search, uow: RegistryUnitOfWork) -> tuple[list[Json], Json]:
    workspace = await uow.workspaces.get(search.workspace)
    found = [
        one
        async for one in _models_asked(search, uow)
        if not one.deleted and not is_gone(one.created_at, workspace) and search.fits(_model_entity(one))
    ]
    page, more = search.page_of(ordered(found, search.orders, REGISTERED_MODELS, _model_entity))
    return [await _model(model, uow) for model in page], more


async def _model(model: RegisteredModel, uow: RegistryUnitOfWork) -> Json:
    return model_answer(model, latest_of_each_stage(await uow.live_versions(model.key)).values())


async def _models_asked(search: Search, uow: RegistryUnitOfWork) -> AsyncIterator[RegisteredModel]:
    if (name := search.asks_for("name")) is not None:
        model = await uow.models.get(model_key(search.workspace, name))
        if model is not None:
            yield model
        return
    async for model in every(uow.models, {"elsewhere": _elsewhere(search.workspace)}):
        yield model


async def _versions(search: Search, uow: RegistryUnitOfWork) -> tuple[list[Json], Json]:
    workspace = await uow.workspaces.get(search.workspace)
    found = [
        one
        async for one in _versions_asked(search, uow)
        if not (one.deleted or is_gone(one.created_at, workspace))
        and one.workspace == search.workspace
        and search.fits(_version_entity(one))
    ]
    page, more = search.page_of(ordered(found, search.orders, MODEL_VERSIONS, _version_entity))
    return [version_answer(version) for version in page], more


async def _versions_asked(search: Search, uow: RegistryUnitOfWork) -> AsyncIterator[VersionDocument]:
    if (name := search.asks_for("name")) is not None:
        where: dict[str, str | None] = {"model": model_key(search.workspace, name)}
    elif (run := search.asks_for("run_id")) is not None:
        where = {"run_id": run}
    else:
        where = {"elsewhere": _elsewhere(search.workspace)}
    async for version in every(uow.versions, where):
        yield version


def _elsewhere(workspace: str) -> str | None:
    return None if workspace == DEFAULT else workspace


def _model_entity(model: RegisteredModel) -> Entity:
    return Entity(
        attributes={
            "name": model.name,
            "creation_timestamp": milliseconds(model.created_at),
            "last_updated_timestamp": milliseconds(model.updated_at),
        },
        tags={IS_PROMPT: "false", **model.tags},
    )


def _version_entity(version: VersionDocument) -> Entity:
    return Entity(
        attributes={
            "name": version.name,
            "run_id": version.run_id or "",
            "source_path": version.source or "",
            "version_number": version.version,
            "creation_timestamp": milliseconds(version.created_at),
            "last_updated_timestamp": milliseconds(version.touched_at),
        },
        tags={IS_PROMPT: "false", **version.tags},
    )


def _answer(name: str, found: list[Json], more: Json) -> Json:
    return {**({name: found} if found else {}), **more}
