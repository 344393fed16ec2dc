"""Takes one version of a registered model: under its number, with its stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from murmur_cli.mlflow_import import shapes
from murmur_cli.mlflow_import.errors import Refusal
from murmur_cli.mlflow_import.origins import Astray, Origins
from murmur_cli.mlflow_import.shapes import BEGUN, DIGEST, FROM, INCOMPLETE, Json
from murmur_cli.mlflow_import.sink_registry import RegistrySink
from murmur_cli.mlflow_import.tally import Kind, Tally

CREATED = "murmur.imported.created"
"""When it was made on the source: here it was made when it was imported, as its history says."""

_NONE = "None"


@dataclass
class Versions:
    """address: of the source."""

    sink: RegistrySink
    origins: Origins
    tally: Tally
    address: str

    async def known(self, model: Json | None) -> Mapping[str, Json]:
        """What is here of a model's versions, by number. Raises Refusal."""
        found = await self.sink.reading.versions(model) if model else []
        return {str(one["version"]): one for one in found}

    async def take(self, there: Json, known: Json | None) -> str | None:
        """Why it is not here, or not whole. Raises Lost, NoImport."""
        title = f"{there['name']} {there['version']}"
        said = shapes.marks(known.get("tags")) if known else {}
        digest = _digest(there)
        if said.get(DIGEST) == digest and INCOMPLETE not in said:
            self.tally.has(Kind.VERSION)
            return None
        try:
            if known is None:
                await self._bring(there, digest)
            elif FROM not in said:
                raise Astray("a version of this number is here that was not imported")
            else:
                await self._renew(there, known)
                await self._conclude(there, digest)
        except (Refusal, Astray) as reason:
            if known is None and isinstance(reason, Refusal) and reason.code == "Taken":
                self.tally.leaves(Kind.VERSION, title, "it was deleted here since", expected=True)
                return None
            self.tally.leaves(Kind.VERSION, title, str(reason))
            return str(reason)
        self.tally.takes(Kind.VERSION, anew=DIGEST not in said)
        return None

    async def _bring(self, there: Json, digest: str) -> None:
        """Raises Refusal, Astray."""
        stage = there.get("current_stage") or _NONE
        tags = shapes.pairs(there.get("tags"))
        is_prompt = tags.get("mlflow.prompt.is_prompt", "").lower() == "true"
        source = str(there.get("source") or "prompt") if is_prompt else await self.origins.of(there)
        whole = {DIGEST: digest} if stage == _NONE else {INCOMPLETE: BEGUN}
        body = {
            "source": source,
            "run_id": there.get("run_id") or None,
            "run_link": there.get("run_link") or None,
            "description": there.get("description") or "",
            "tags": {**tags, FROM: self.address, CREATED: _moment(there), **whole},
        }
        await self.sink.bring(there["name"], there["version"], body)
        if stage != _NONE:
            await self.sink.move(there["name"], there["version"], stage)
            await self._conclude(there, digest)

    async def _renew(self, there: Json, known: Json) -> None:
        """What has changed since. Raises Refusal."""
        name, number = there["name"], there["version"]
        if (text := there.get("description") or "") != (known.get("description") or ""):
            await self.sink.describe_version(name, number, text)
        written, tags = shapes.pairs(known.get("tags")), shapes.pairs(there.get("tags")).items()
        await self.sink.tag_version(name, number, {key: text for key, text in tags if written.get(key) != text})
        if (stage := there.get("current_stage") or _NONE) != (known.get("current_stage") or _NONE):
            await self.sink.move(name, number, stage)

    async def _conclude(self, there: Json, digest: str) -> None:
        await self.sink.tag_version(there["name"], there["version"], {DIGEST: digest})
        await self.sink.untag_version(there["name"], there["version"], INCOMPLETE)


def _digest(there: Json) -> str:
    told = {name: there.get(name) for name in ("description", "source", "run_id", "run_link")}
    return shapes.digest_of(told, there.get("current_stage") or _NONE, shapes.pairs(there.get("tags")))


def _moment(there: Json) -> str:
    return datetime.fromtimestamp(int(there.get("creation_timestamp") or 0) / 1000, UTC).isoformat()
