"""Writes registered models to the flock."""

from urllib.parse import quote

from murmur_cli.mlflow_import.shapes import Json, listed
from murmur_cli.mlflow_import.sink import Sink
from murmur_cli.mlflow_import.source import API
from murmur_cli.mlflow_import.source_registry import Registry


class RegistrySink:
    """by: who is written down, None where the token says it. Each method raises Refusal, Lost, NoImport."""

    def __init__(self, sink: Sink, *, by: str | None, reason: str) -> None:
        self._wire = sink.wire
        self._why = {"by": by, "reason": reason}
        self.reading = Registry(sink.reading)

    async def create(self, name: str, description: str, tags: dict[str, str]) -> None:
        body = {"name": name, "description": description, "tags": listed(tags)}
        await self._wire.send("POST", f"{API}/registered-models/create", body)

    async def describe(self, name: str, description: str) -> None:
        body = {"name": name, "description": description}
        await self._wire.send("PATCH", f"{API}/registered-models/update", body)

    async def tag(self, name: str, tags: dict[str, str]) -> None:
        for key, value in tags.items():
            body = {"name": name, "key": key, "value": value}
            await self._wire.send("POST", f"{API}/registered-models/set-tag", body)

    async def untag(self, name: str, key: str) -> None:
        await self._wire.send("DELETE", f"{API}/registered-models/delete-tag", {"name": name, "key": key})

    async def point(self, name: str, alias: str, version: str) -> None:
        body = {"name": name, "alias": alias, "version": version}
        await self._wire.send("POST", f"{API}/registered-models/alias", body)

    async def bring(self, name: str, number: str, body: Json) -> None:
        """A version under its number."""
        await self._wire.send(
            "PUT", f"/registry/v1/models/{quote(name, safe='')}/versions/{number}", {**body, **self._why}
        )

    async def describe_version(self, name: str, number: str, description: str) -> None:
        body = {"name": name, "version": number, "description": description}
        await self._wire.send("PATCH", f"{API}/model-versions/update", body)

    async def tag_version(self, name: str, number: str, tags: dict[str, str]) -> None:
        for key, value in tags.items():
            body = {"name": name, "version": number, "key": key, "value": value}
            await self._wire.send("POST", f"{API}/model-versions/set-tag", body)

    async def untag_version(self, name: str, number: str, key: str) -> None:
        body = {"name": name, "version": number, "key": key}
        await self._wire.send("DELETE", f"{API}/model-versions/delete-tag", body)

    async def move(self, name: str, number: str, stage: str) -> None:
        body = {"name": name, "version": number, "stage": stage, "archive_existing_versions": False}
        await self._wire.send("POST", f"{API}/model-versions/transition-stage", body)
