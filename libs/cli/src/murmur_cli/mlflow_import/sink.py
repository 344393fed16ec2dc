"""Writes to the flock, through the front door: its imports, and MLflow's protocol where that has the words."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from murmur_cli.mlflow_import.errors import NoImport, Refusal
from murmur_cli.mlflow_import.shapes import DIGEST, INCOMPLETE, File, Json, listed, marks
from murmur_cli.mlflow_import.source import API, Source
from murmur_cli.mlflow_import.wire import Wire

_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


@dataclass(frozen=True)
class Known:
    """What is here of a run or a logged model. digest: of what it was taken from, None while it is not whole."""

    digest: str | None


class Sink:
    """`source` reads what is here, in the protocol that both speak. Each method raises Refusal, Lost, NoImport."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.reading = Source(wire, wire.title)

    async def check(self) -> None:
        """Raises NoImport where it cannot be written to: before anything is read."""
        try:
            await self.reading.experiments()
            await self.wire.get(f"{API}/registered-models/search", max_results=1)
            await self.wire.send("POST", "/tracking/v1/imports/runs", {})
        except Refusal as refusal:
            if refusal.status == 422:  # it understands, and misses the run
                return
            advice = "it needs the role author: murmur tokens create --role author" if refusal.status == 403 else ""
            raise NoImport(f"{self.wire.title} takes no import: {refusal}", advice) from None

    async def create_experiment(self, name: str, tags: dict[str, str]) -> str:
        body = {"name": name, "tags": listed(tags)}
        return str((await self.wire.send("POST", f"{API}/experiments/create", body))["experiment_id"])

    async def tag_experiment(self, experiment: str, key: str, value: str) -> None:
        body = {"experiment_id": experiment, "key": key, "value": value}
        await self.wire.send("POST", f"{API}/experiments/set-experiment-tag", body)

    async def delete_experiment(self, experiment: str) -> None:
        await self.wire.send("POST", f"{API}/experiments/delete", {"experiment_id": experiment})

    async def known_runs(self, experiment: str) -> dict[str, Known]:
        return {
            run["info"]["run_id"]: _known(run.get("data", {}).get("tags"))
            async for run in self.reading.runs(experiment)
        }

    async def known_models(self, experiment: str) -> dict[str, Known]:
        models = await self.reading.logged_models(experiment)
        return {one["info"]["model_id"]: _known(one["info"].get("tags")) for one in models}

    async def known_model(self, model_id: str) -> Known | None:
        """Also one that was deleted here, which no search shows."""
        try:
            found = await self.wire.get(f"{API}/logged-models/{model_id}", allow_deleted="true")
        except Refusal as refusal:
            if refusal.is_absent:
                return None
            raise
        return _known(found["model"]["info"].get("tags"))

    async def take_run(self, body: Json) -> str:
        """The root of its artifacts."""
        return str((await self.wire.send("POST", "/tracking/v1/imports/runs", body))["artifact_uri"])

    async def take_model(self, body: Json) -> str:
        """The root of its artifacts."""
        return str((await self.wire.send("POST", "/tracking/v1/imports/logged-models", body))["artifact_uri"])

    async def files(self, root: str) -> AsyncIterator[File]:
        """All below the root of a run's or a model's artifacts."""
        folders = [""]
        while folders:
            folder = folders.pop()
            answer = await self.wire.get(_ARTIFACTS, path=f"{_top(root)}/{folder}".rstrip("/"))
            for one in answer.get("files") or ():
                path = f"{folder}/{one['path']}".lstrip("/")
                if one.get("is_dir"):
                    folders.append(path)
                else:
                    yield File(path, one.get("file_size"))

    async def put(self, root: str, path: str, pieces: AsyncIterator[bytes]) -> None:
        await self.wire.put(_address(root, path), pieces)

    async def drop(self, root: str, path: str) -> None:
        await self.wire.send("DELETE", _address(root, path), {})

    async def sha256(self, root: str, path: str) -> str | None:
        """Of the bytes that are here under this name."""
        tag = await self.wire.header(_address(root, path), "etag", Range="bytes=0-0")
        return tag.strip('"') if tag else None


def _known(tags: list[Json] | None) -> Known:
    said = marks(tags)
    return Known(None if INCOMPLETE in said else said.get(DIGEST))


def _top(root: str) -> str:
    return urlsplit(root).path.strip("/")


def _address(root: str, path: str) -> str:
    return f"{_ARTIFACTS}/{quote(f'{_top(root)}/{path}')}"
