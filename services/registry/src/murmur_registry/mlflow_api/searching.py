"""Searches over models and versions: filter, order, pages.

A filter that names a model or a run is answered from the index; all others look at every version of the workspace.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from murmur_registry.domain.models import DEFAULT_WORKSPACE, RegisteredModel, model_key
from murmur_registry.domain.refusals import Invalid
from murmur_registry.mlflow_api.answers import latest_of_each_stage, milliseconds, model_answer, version_answer
from murmur_registry.mlflow_api.calls import Call, Desk, Json
from murmur_registry.mlflow_api.filtering import (
    Comparison,
    Row,
    Searched,
    parse_filter,
    parse_order,
    sorted_rows,
)
from murmur_registry.mlflow_api.paging import Page, page_of
from murmur_registry.repository import RegistryUnitOfWork, VersionDocument, every
from murmur_registry.sources import IS_PROMPT

_TIMES = {"creation_timestamp": "created", "last_updated_timestamp": "updated"}
MODELS = Searched(
    texts=("name",),
    numbers=(),
    lists=("name",),
    orders={"name": "name", "timestamp": "updated", **_TIMES},
    ties=(("name", False),),
)
VERSIONS = Searched(
    texts=("name", "run_id", "source_path"),
    numbers=("version_number",),
    lists=("name", "run_id"),
    orders={"name": "name", "version_number": "version_number", **_TIMES},
    ties=(("name", False), ("version_number", True)),
)
NEWEST = ["last_updated_timestamp DESC"]
MOST_MODELS, MOST_VERSIONS = 1_000, 200_000


@dataclass(frozen=True, kw_only=True)
class Search:
    workspace: str
    filters: tuple[Comparison, ...]
    order: list[tuple[str, bool]]
    page: Page

    def asks_for(self, field: str) -> str | None:
        """What the field must equal, if the filter says so."""
        for one in self.filters:
            if one.field == field and one.comparator == "=" and isinstance(one.value, str):
                return one.value
        return None

    @property
    def prompts(self) -> bool:
        """Prompts are left out unless they are asked for."""
        tag = f"tags.{IS_PROMPT}"
        return any(
            one.field == tag and (one.comparator, str(one.value).lower()) in (("=", "true"), ("!=", "false"))
            for one in self.filters
        )

    def fits(self, row: Row) -> bool:
        is_prompt = str(row.get(f"tags.{IS_PROMPT}", "")).lower() == "true"
        filters = [one for one in self.filters if one.field != f"tags.{IS_PROMPT}"]
        return is_prompt is self.prompts and all(one.holds(row) for one in filters)


async def models(desk: Desk, call: Call) -> Json:
    most = call.fields.number("max_results", default=100, most=MOST_MODELS)
    search = _search(call, MODELS, most, ())
    found, token = await desk.read(_models, search)
    return _answer("registered_models", found, token)


async def versions(desk: Desk, call: Call) -> Json:
    most = call.fields.number("max_results", default=MOST_VERSIONS, most=MOST_VERSIONS)
    if most < 1:
        raise Invalid(f"Invalid value for max_results. It must be a positive integer, but got {most}")
    search = _search(call, VERSIONS, most, NEWEST)
    found, token = await desk.read(_versions, search)
    return _answer("model_versions", found, token)


def _search(call: Call, searched: Searched, most: int, order: Any) -> Search:
    """Raises Invalid."""
    filter_text = call.fields.optional_text("filter") or ""
    clauses = call.fields.texts("order_by")
    return Search(
        workspace=call.fields.workspace,
        filters=parse_filter(filter_text, searched),
        order=parse_order(clauses or order, searched),
        page=page_of(call.fields.optional_text("page_token"), most, f"{filter_text}\n{clauses}"),
    )


async def _models(search: Search, uow: RegistryUnitOfWork) -> tuple[list[Json], str | None]:
    rows = [(_model_row(model), model) async for model in _models_asked(search, uow) if not model.deleted]
    chosen = sorted_rows([pair for pair in rows if search.fits(pair[0])], search.order)
    page, token = search.page.cut([model for _, model in chosen])
    answers = []
    for model in page:
        assert isinstance(model, RegisteredModel)
        latest = latest_of_each_stage(await uow.live_versions(model.key))
        answers.append(model_answer(model, latest.values()))
    return answers, token


async def _models_asked(search: Search, uow: RegistryUnitOfWork) -> AsyncIterator[RegisteredModel]:
    if (name := search.asks_for("name")) is not None:
        model = await uow.models.get(model_key(search.workspace, name))
        if model is not None:
            yield model
        return
    async for model in every(uow.models, {"elsewhere": _elsewhere(search.workspace)}):
        yield model


async def _versions(search: Search, uow: RegistryUnitOfWork) -> tuple[list[Json], str | None]:
    rows = [
        (_version_row(version), version)
        async for version in _versions_asked(search, uow)
        if not version.deleted and version.workspace == search.workspace
    ]
    chosen = sorted_rows([pair for pair in rows if search.fits(pair[0])], search.order)
    page, token = search.page.cut([version for _, version in chosen])
    return [version_answer(version) for version in page if isinstance(version, VersionDocument)], token


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
    return None if workspace == DEFAULT_WORKSPACE else workspace


def _model_row(model: RegisteredModel) -> Row:
    times = {"created": milliseconds(model.created_at), "updated": milliseconds(model.updated_at)}
    return {"name": model.name, **times, **{f"tags.{key}": value for key, value in model.tags.items()}}


def _version_row(version: VersionDocument) -> Row:
    return {
        "name": version.name,
        "run_id": version.run_id or "",
        "source_path": version.source or "",
        "version_number": version.version,
        "created": milliseconds(version.created_at),
        "updated": milliseconds(version.touched_at),
        **{f"tags.{key}": value for key, value in version.tags.items()},
    }


def _answer(name: str, found: list[Json], token: str | None) -> Json:
    return ({name: found} if found else {}) | ({"next_page_token": token} if token else {})
