"""Where the files of a version are, said as it is here: they came with their run or their logged model."""

import re
from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import urlsplit

from murmur_cli.mlflow_import.errors import Refusal
from murmur_cli.mlflow_import.shapes import Json
from murmur_cli.mlflow_import.sink import Sink
from murmur_cli.mlflow_import.source import Source

_RUN = re.compile(r"(?:^|/)([0-9a-f]{32})/artifacts(?:/|$)")
_MODEL = re.compile(r"(?:^|/)models/(m-[0-9a-f]{32})/artifacts(?:/|$)")
_ID = re.compile(r"models:/+(m-[0-9a-f]{32})")
_OF_RUN = re.compile(r"runs:/+([^/]+)")


class Astray(Exception):
    """The files of a version are not here."""


@dataclass(frozen=True)
class Origins:
    source: Source
    sink: Sink

    async def of(self, version: Json) -> str:
        """The source of the version here. Raises Astray, Refusal."""
        said = str(version.get("source") or "")
        if named := _OF_RUN.match(said):
            await self._run_here(named[1])
            return said
        if named := _ID.match(said):
            await self._model_here(named[1])
            return said
        if said.startswith("models:/"):
            return said  # another version, which came before it
        if found := _MODEL.search(said):
            return rewritten(said, await self._model_there(found[1]), await self._model_here(found[1]))
        run = version.get("run_id") or (found[1] if (found := _RUN.search(said)) else None)
        if run and (there := await self._run_there(run)) and _below(said, there) is not None:
            return rewritten(said, there, await self._run_here(run))
        if is_elsewhere(said):
            return said
        raise Astray(f"its files are at {said!r}, which belongs to no run of the source: log them with a run there")

    async def _run_there(self, run_id: str) -> str | None:
        try:
            return str((await self.source.run(run_id))["info"]["artifact_uri"])
        except Refusal as refusal:
            if refusal.is_absent:
                return None
            raise

    async def _run_here(self, run_id: str) -> str:
        return await _here(f"run {run_id!r}", self.sink.reading.run(run_id))

    async def _model_there(self, model_id: str) -> str:
        return str((await self.source.logged_model(model_id))["info"]["artifact_uri"])

    async def _model_here(self, model_id: str) -> str:
        return await _here(f"logged model {model_id!r}", self.sink.reading.logged_model(model_id))


async def _here(what: str, asked: Awaitable[Json]) -> str:
    """The root of its artifacts. Raises Astray, Refusal."""
    try:
        return str((await asked)["info"]["artifact_uri"])
    except Refusal as refusal:
        if refusal.is_absent:
            raise Astray(f"its {what} is not here") from None
        raise


def rewritten(source: str, there: str, here: str) -> str:
    """`source` lies below `there`: the same place below `here`. Raises Astray."""
    rest = _below(source, there)
    if rest is None:
        raise Astray(f"its files are at {source!r}, and not below {there!r}")
    return f"{here.rstrip('/')}/{rest}".rstrip("/")


def is_elsewhere(source: str) -> bool:
    """Whoever may read it there may read it from here, too: no import needs to bring it."""
    return urlsplit(source).scheme not in ("", "file", "mlflow-artifacts", "runs", "models")


def _below(source: str, root: str) -> str | None:
    """The rest of the path; None where it is not below."""
    path, top = _plain(source), _plain(root)
    return path[len(top) :].strip("/") if path == top or path.startswith(f"{top}/") else None


def _plain(uri: str) -> str:
    """A local path and its file: URI are the same."""
    return re.sub(r"^file:(//[^/]*)?(?=/)", "", uri).rstrip("/")
