"""Reads the registered models of an MLflow server."""

from collections.abc import AsyncIterator

from murmur_cli.mlflow_import.shapes import Json
from murmur_cli.mlflow_import.source import API, Source

_PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"
"""Prompts are kept as models, and hidden from a search that does not ask for them."""


class Registry:
    """Each method raises Refusal, Lost, NoImport."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def models(self) -> list[Json]:
        found = [one async for one in self._models({})]
        return found + [one async for one in self._models({"filter": _PROMPTS})]

    async def model(self, name: str) -> Json:
        """With its aliases, which a search may leave out."""
        found: Json = (await self._source.wire.get(f"{API}/registered-models/get", name=name))["registered_model"]
        return found

    async def versions(self, model: Json) -> list[Json]:
        """Of one model, by number."""
        wanted = f"name = {_quoted(model['name'])}"
        if any(tag["key"] == "mlflow.prompt.is_prompt" for tag in model.get("tags") or ()):
            wanted = f"{wanted} AND {_PROMPTS}"
        query = {"filter": wanted, "max_results": 1000}
        found = self._source.paged("GET", f"{API}/model-versions/search", query, "model_versions")
        return sorted([one async for one in found], key=lambda one: int(one["version"]))

    def _models(self, query: Json) -> AsyncIterator[Json]:
        asked = {"max_results": 200, **query}
        return self._source.paged("GET", f"{API}/registered-models/search", asked, "registered_models")


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"
