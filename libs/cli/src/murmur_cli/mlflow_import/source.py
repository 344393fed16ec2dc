"""Reads an MLflow server: experiments, runs with their whole histories, logged models, files."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

from murmur_cli.mlflow_import.errors import NoImport, Refusal
from murmur_cli.mlflow_import.shapes import File, Json, Value, point_of
from murmur_cli.mlflow_import.wire import Wire

API = "/api/2.0/mlflow"

_RUNS_AT_ONCE = 200
_POINTS_AT_ONCE = 10_000
_DEEPEST = 100
"""Folders within folders: a server that lists a folder in itself is not followed for ever."""


class Source:
    """Each method raises Refusal for what this server does not give, Lost, NoImport."""

    def __init__(self, wire: Wire, address: str) -> None:
        """address: as tags say it, without credentials."""
        self.wire = wire
        self.address = address

    async def check(self) -> str:
        """Its release. Raises NoImport where it is no MLflow server, or refuses to be read."""
        try:
            answer = await self.wire.send("POST", f"{API}/experiments/search", {"max_results": 1, "view_type": "ALL"})
        except Refusal as refusal:
            if refusal.status == 403:
                raise NoImport(f"{self.address} may not be read with these credentials: {refusal}") from None
            answer = {"": refusal}
        if set(answer) - {"experiments", "next_page_token"}:
            reason = answer.get("", "it answers something else")
            raise NoImport(
                f"{self.address} is no MLflow tracking server: {API}/experiments/search says: {reason}",
                "--from is the URI that MLFLOW_TRACKING_URI would be, such as http://mlflow.example.com:5000",
            )
        try:
            return (await self.wire.text("/version")).strip()[:40]
        except Refusal:
            return "of unknown release"

    async def experiments(self) -> list[Json]:
        """All, those in the bin too."""
        body: Json = {"max_results": 1000, "view_type": "ALL"}
        return [one async for one in self.paged("POST", f"{API}/experiments/search", body, "experiments")]

    async def runs(self, experiment: str) -> AsyncIterator[Json]:
        """All, oldest first: what begins meanwhile comes last."""
        body = {
            "experiment_ids": [experiment],
            "run_view_type": "ALL",
            "max_results": _RUNS_AT_ONCE,
            "order_by": ["attributes.start_time ASC"],
        }
        async for run in self.paged("POST", f"{API}/runs/search", body, "runs"):
            yield run

    async def run(self, run_id: str) -> Json:
        found: Json = (await self.wire.get(f"{API}/runs/get", run_id=run_id))["run"]
        return found

    async def history(self, run_id: str, metric: str) -> AsyncIterator[Value]:
        query = {"run_id": run_id, "metric_key": metric, "max_results": _POINTS_AT_ONCE}
        async for one in self.paged("GET", f"{API}/metrics/get-history", query, "metrics"):
            yield point_of(one)

    async def logged_models(self, experiment: str) -> list[Json]:
        """Raises Refusal also of a release that knows none."""
        body = {"experiment_ids": [experiment], "max_results": 50}
        return [one async for one in self.paged("POST", f"{API}/logged-models/search", body, "models")]

    async def logged_model(self, model_id: str) -> Json:
        found: Json = (await self.wire.get(f"{API}/logged-models/{model_id}"))["model"]
        return found

    async def has_traces(self, experiment: str) -> bool:
        """Of which a flock keeps none."""
        try:
            found = await self.wire.get(f"{API}/traces", experiment_ids=experiment, max_results=1)
        except Refusal:  # it has none, or none that it tells
            return False
        return bool(found.get("traces"))

    def files_of_run(self, run_id: str) -> AsyncIterator[File]:
        return self._files(f"{API}/artifacts/list", "path", {"run_id": run_id})

    def files_of_model(self, model_id: str) -> AsyncIterator[File]:
        return self._files(f"{API}/logged-models/{model_id}/artifacts/directories", "artifact_directory_path", {})

    def open_of_run(self, run_id: str, path: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self.wire.stream("/get-artifact", run_id=run_id, run_uuid=run_id, path=path)

    def open_of_model(self, model_id: str, path: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        address = f"/ajax-api/2.0/mlflow/logged-models/{quote(model_id)}/artifacts/files"
        return self.wire.stream(address, artifact_file_path=path)

    async def _files(self, address: str, name: str, query: Json) -> AsyncIterator[File]:
        folders = [""]
        while folders:
            folder = folders.pop()
            answer = await self.wire.get(address, **query, **({name: folder} if folder else {}))
            for one in answer.get("files") or ():
                path = str(one["path"])
                if not _is_below(folder, path):
                    raise Refusal(200, "", f"it lists {path!r} in the folder {folder!r}")
                if not one.get("is_dir"):
                    yield File(path, int(one["file_size"]) if one.get("file_size") is not None else None)
                elif path.count("/") < _DEEPEST:
                    folders.append(path)

    async def paged(self, method: str, path: str, asked: Json, name: str) -> AsyncIterator[Json]:
        """Each item of all pages."""
        token: Any = None
        while True:
            query = {**asked, "page_token": token} if token else asked
            page = await (self.wire.get(path, **query) if method == "GET" else self.wire.send(method, path, query))
            for one in page.get(name) or ():
                yield one
            if not (token := page.get("next_page_token")):
                return


def _is_below(folder: str, path: str) -> bool:
    parts = path.split("/")
    return path.startswith(f"{folder}/" if folder else "") and not {"", ".", ".."} & set(parts)
