"""What runs have kept in files of their environment and their code, found and read for whoever compares them."""

import asyncio
import io
import zipfile
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from murmur_events.values import Artifact
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import ArtifactError
from murmur_mlflow.refusals import Refusal
from murmur_tracking.client_runs import workspace_of
from murmur_tracking.domain.code import Code
from murmur_tracking.domain.environments import Environment, read_environment
from murmur_tracking.domain.facts import Claim
from murmur_tracking.domain.runs import Run
from murmur_tracking.mlflow_api.artifacts import Claim as Named
from murmur_tracking.mlflow_api.artifacts import Entry, Shelf, artifact_path
from murmur_tracking.search.entries import row_of

T = TypeVar("T")

LARGEST = 4 * 2**20
"""Bytes of a file that is read for a comparison."""

_ENVIRONMENTS = ("requirements.txt", "conda.yaml", "python_env.yaml", "environment.json")
_CHANGES = (".diff", ".patch")
_FOLDERS = 5
"""So many folders of a run are looked into for the model that says what it needs."""

_AT_ONCE = 8
_KEPT = 256


class Unreadable(Exception):
    """A file that a run has kept and that cannot be read as what it should be."""


@dataclass(frozen=True, kw_only=True)
class Keepsakes:
    """environment, code: None where the run has kept none, or none that can be read; unread says why."""

    environment: Environment | None = None
    code: Code | None = None
    unread: tuple[str, ...] = ()


@dataclass
class _Found:
    environment: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


class KeepsakesOfRuns:
    """Files are kept under their digests, so what was read of one is never read again."""

    def __init__(self, store: ArtifactStore, shelf: Shelf) -> None:
        self._store = store
        self._shelf = shelf
        self._read: OrderedDict[tuple[str, str], object] = OrderedDict()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def of(self, runs: Sequence[Run]) -> list[Keepsakes]:
        """In their order. Raises Transient where the artifact store does not answer."""
        return list(await asyncio.gather(*(self._of(run) for run in runs)))

    async def _of(self, run: Run) -> Keepsakes:
        async with self._turns:
            found = _Found()
            if run.sheet is None:
                await self._of_the_trainer(run, found)
            else:
                await self._of_a_client(run, found)
            return Keepsakes(environment=found.environment or None, code=found.code or None, unread=tuple(found.unread))

    async def _of_the_trainer(self, run: Run, found: _Found) -> None:
        if run.work is None or (told := run.work.instructions) is None:
            return
        claims = told.provenance
        await self._try(found, "environment", lambda: self._environment(found, "environment.json", claims.environment))
        await self._try(found, "code", lambda: self._bundle(found, claims.code))

    async def _of_a_client(self, run: Run, found: _Found) -> None:
        async def look() -> None:
            top = artifact_path(row_of(run).artifact_uri)
            await self._look_into(found, workspace_of(run), top, run)

        await self._try(found, "artifacts", look)

    async def _look_into(self, found: _Found, workspace: str, top: str, run: Run) -> None:
        assert run.sheet is not None, "asked of clients' runs only"
        entries = await self._shelf.entries(workspace, top)
        for entry in entries:
            if entry.claim and entry.name.endswith(_CHANGES):
                await self._change(found, entry.name, entry.claim)
        folders = [f"{top}/{entry.name}" for entry in entries if entry.is_folder][:_FOLDERS]
        models = [f"{top.rsplit('/', 2)[0]}/models/{link.model_id}/artifacts" for link in run.sheet.models_written]
        await self._environments(found, entries)
        for folder in (*folders, *models[:_FOLDERS]):
            if found.environment:
                return
            await self._environments(found, await self._shelf.entries(workspace, folder))

    async def _environments(self, found: _Found, entries: Sequence[Entry]) -> None:
        """Of the files of one folder, the first that names a package counts."""
        named = {entry.name: entry.claim for entry in entries if entry.claim}
        for name in _ENVIRONMENTS:
            if claim := named.get(name):
                await self._try(found, name, partial(self._environment, found, name, claim))

    async def _try(self, found: _Found, what: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (Unreadable, Refusal, ArtifactError) as error:
            found.unread.append(f"{what}: {error}")

    async def _environment(self, found: _Found, name: str, claim: Claim | Named) -> None:
        def read(data: bytes) -> Environment:
            return read_environment(name, data.decode())

        found.environment = {**await self._known(name, claim, read), **found.environment}

    async def _bundle(self, found: _Found, claim: Claim) -> None:
        found.code |= await self._known("code", claim, _unpacked)

    async def _change(self, found: _Found, name: str, claim: Named) -> None:
        async def work() -> None:
            found.code[name] = await self._known(name, claim, bytes.decode)

        await self._try(found, name, work)

    async def _known(self, name: str, claim: Claim | Named, read: Callable[[bytes], T]) -> T:
        key = (name, claim.sha256)
        if key not in self._read:
            if claim.size > LARGEST:
                raise Unreadable(f"{claim.size:,} bytes, and files up to {LARGEST:,} are compared")
            data = await self._store.read_bytes(Artifact(uri=claim.uri, sha256=claim.sha256, size=claim.size))
            try:
                self._read[key] = read(data)
            except (ValueError, zipfile.BadZipFile) as error:  # of UnicodeDecodeError, too
                raise Unreadable(f"not what it should be: {error}") from None
            while len(self._read) > _KEPT:
                self._read.popitem(last=False)
        known: T = self._read[key]  # type: ignore[assignment]  # what `read` gave under this key
        return known


def _unpacked(data: bytes) -> Code:
    """The texts of a bundle of code."""
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        if sum(file.file_size for file in bundle.infolist()) > LARGEST:
            raise ValueError(f"unpacked it has more than {LARGEST:,} bytes")
        return {file.filename: bundle.read(file).decode() for file in bundle.infolist() if not file.is_dir()}
