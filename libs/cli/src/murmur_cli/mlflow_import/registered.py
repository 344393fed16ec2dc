"""Takes registered models: their versions under their numbers, then their aliases, then that they are whole."""

from collections.abc import Collection
from dataclasses import dataclass, field

from murmur_cli.mlflow_import import shapes
from murmur_cli.mlflow_import.errors import Refusal
from murmur_cli.mlflow_import.shapes import BEGUN, DIGEST, FROM, INCOMPLETE, Json
from murmur_cli.mlflow_import.sink_registry import RegistrySink
from murmur_cli.mlflow_import.source_registry import Registry
from murmur_cli.mlflow_import.tally import Kind, Tally
from murmur_cli.mlflow_import.versions import Versions

_LONGEST_REASON = 5000


@dataclass
class Half:
    """A model on its way. known: how it was here before, None: it was not. versions: those that are wanted, by number;
    unasked: numbers of those that are not."""

    there: Json
    known: Json | None
    versions: dict[str, Json]
    unasked: list[str]
    reasons: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.there["name"])

    @property
    def aliases(self) -> dict[str, str]:
        return _aliases(self.there)

    @property
    def digest(self) -> str:
        """Of what people wrote on it, and what its aliases name."""
        return shapes.digest_of(self.there.get("description"), shapes.pairs(self.there.get("tags")), self.aliases)

    @property
    def is_as_taken(self) -> bool:
        said = shapes.marks(self.known.get("tags")) if self.known else {}
        return said.get(DIGEST) == self.digest and INCOMPLETE not in said


@dataclass
class Registered:
    """address: of the source. owners: runs and logged models whose versions are wanted, None for all versions."""

    source: Registry
    sink: RegistrySink
    versions: Versions
    tally: Tally
    address: str
    owners: Collection[str] | None = None

    async def take(self) -> None:
        """Raises Refusal where the source has no registry, Lost, NoImport."""
        halves = [one for one in await self._found() if await self._begin(one)]
        # One may be a copy of a version of another model: what was made first comes first.
        ordered = [(version, half) for half in halves for version in half.versions.values()]
        ordered.sort(key=lambda pair: (int(pair[0].get("creation_timestamp") or 0), int(pair[0]["version"])))
        known = {half.name: await self.versions.known(half.known) for half in halves}
        for version, half in ordered:
            reason = await self.versions.take(version, known[half.name].get(str(version["version"])))
            half.reasons += [f"version {version['version']}: {reason}"] if reason else []
        for half in halves:
            try:
                await self._finish(half)
            except Refusal as refusal:
                self.tally.leaves(Kind.MODEL, half.name, str(refusal))

    async def _found(self) -> list[Half]:
        here = {one["name"] for one in await self.sink.reading.models()}
        found = []
        for one in await self.source.models():
            there = await self.source.model(one["name"])
            versions = await self.source.versions(there)
            wanted = {str(version["version"]): version for version in versions if self._is_wanted(version)}
            unasked = [str(version["version"]) for version in versions if str(version["version"]) not in wanted]
            if wanted or self.owners is None:
                known = await self.sink.reading.model(there["name"]) if there["name"] in here else None
                found.append(Half(there, known, wanted, unasked))
        self.tally.finds(Kind.MODEL, len(found))
        self.tally.finds(Kind.VERSION, sum(len(one.versions) for one in found))
        return found

    def _is_wanted(self, version: Json) -> bool:
        if self.owners is None:
            return True
        model = str(version.get("source") or "").rpartition("/")[2]
        return version.get("run_id") in self.owners or model in self.owners

    async def _begin(self, half: Half) -> bool:
        """Whether it may be taken."""
        tags = shapes.pairs(half.there.get("tags"))
        if half.known is None:
            marks = {FROM: self.address, INCOMPLETE: BEGUN}
            try:
                await self.sink.create(half.name, half.there.get("description") or "", {**tags, **marks})
            except Refusal as refusal:
                return self._leave(half, str(refusal))
            return True
        origin = shapes.marks(half.known.get("tags")).get(FROM)
        if origin is None:
            return self._leave(half, "a model of this name is here that was not imported: rename one of the two")
        if origin != self.address:
            return self._leave(half, f"it was imported from {origin}: import it from there, by the same address")
        return True

    def _leave(self, half: Half, reason: str) -> bool:
        self.tally.leaves(Kind.MODEL, half.name, reason)
        for number in half.versions:
            self.tally.leaves(Kind.VERSION, f"{half.name} {number}", "its model is left")
        return False

    async def _finish(self, half: Half) -> None:
        """What people wrote on it, its aliases, and how far it is here. Raises Refusal."""
        if half.is_as_taken and not half.reasons:
            self.tally.has(Kind.MODEL)
            return
        known = half.known or {}
        if half.known is not None:
            if (text := half.there.get("description") or "") != (known.get("description") or ""):
                await self.sink.describe(half.name, text)
            written = shapes.pairs(known.get("tags"))
            tags = shapes.pairs(half.there.get("tags")).items()
            await self.sink.tag(half.name, {key: text for key, text in tags if written.get(key) != text})
        named = _aliases(known)
        for alias, number in half.aliases.items():
            if number in half.versions and named.get(alias) != number:
                half.reasons += await self._point(half.name, alias, number)
        await self._conclude(half)

    async def _point(self, name: str, alias: str, number: str) -> list[str]:
        """Why it could not be."""
        try:
            await self.sink.point(name, alias, number)
        except Refusal as refusal:
            return [f"alias {alias!r} of version {number}: {refusal}"]
        return []

    async def _conclude(self, half: Half) -> None:
        if half.unasked and not half.reasons:
            reason = f"only versions of some experiments were asked for; not {', '.join(half.unasked)}"
            await self.sink.tag(half.name, {INCOMPLETE: reason})
            self.tally.leaves(Kind.MODEL, half.name, f"it is here, in part: {reason}", expected=True)
        elif half.reasons:
            reason = "; ".join(half.reasons)
            await self.sink.tag(half.name, {INCOMPLETE: reason[:_LONGEST_REASON]})
            self.tally.leaves(Kind.MODEL, half.name, f"it is here, but not whole: {reason}")
        else:
            await self.sink.tag(half.name, {DIGEST: half.digest})
            await self.sink.untag(half.name, INCOMPLETE)
            before = shapes.marks(half.known.get("tags")) if half.known else {}
            self.tally.takes(Kind.MODEL, anew=DIGEST not in before)


def _aliases(model: Json) -> dict[str, str]:
    return {str(one["alias"]): str(one["version"]) for one in model.get("aliases") or ()}
