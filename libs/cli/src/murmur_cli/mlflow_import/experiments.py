"""Takes experiments: each finds its place here. One in the bin goes there before its runs come: none is ever seen
as if it were not."""

from collections.abc import Sequence
from dataclasses import dataclass

from murmur_cli.mlflow_import import shapes
from murmur_cli.mlflow_import.errors import Refusal
from murmur_cli.mlflow_import.shapes import DIGEST, EXPERIMENT, FROM, Json
from murmur_cli.mlflow_import.sink import Sink
from murmur_cli.mlflow_import.tally import Kind, Tally


@dataclass(frozen=True)
class Placed:
    """An experiment of the source, and where it is here. own: it was made by an import, of just this one."""

    there: Json
    here: str
    own: bool

    @property
    def binned(self) -> bool:
        """It is in the bin there, and may go there here."""
        return self.own and self.there.get("lifecycle_stage") == "deleted"


class Experiments:
    def __init__(self, sink: Sink, tally: Tally, address: str) -> None:
        """address: of the source, as tags say it."""
        self._sink = sink
        self._tally = tally
        self._address = address

    async def place(self, wanted: Sequence[Json]) -> list[Placed]:
        """Those that could be placed. One that was imported before is known by its tags, whatever it is called now;
        else one of the same name takes the runs, and keeps what is its own."""
        here = await self._sink.reading.experiments()
        imported = {_origin(one): one for one in here if _origin(one)}
        named = {one["name"]: one for one in here}
        placed = []
        for there in wanted:
            own = imported.get((self._address, there["experiment_id"]))
            try:
                placed.append(await self._place(there, own, named.get(there["name"])))
            except Refusal as refusal:
                self._tally.leaves(Kind.EXPERIMENT, there["name"], str(refusal))
        return placed

    async def _place(self, there: Json, own: Json | None, named: Json | None) -> Placed:
        """Raises Refusal."""
        tags = shapes.pairs(there.get("tags"))
        digest = shapes.digest_of(tags)
        mine = {FROM: self._address, EXPERIMENT: there["experiment_id"], DIGEST: digest}
        if own is not None:
            return await self._renew(Placed(there, own["experiment_id"], own=True), own, {**tags, DIGEST: digest})
        if named is None:
            made = await self._sink.create_experiment(there["name"], {**tags, **mine})
            placed = Placed(there, made, own=True)
            if placed.binned:
                await self._sink.delete_experiment(made)
            self._tally.takes(Kind.EXPERIMENT)
            return placed
        known = shapes.pairs(named.get("tags"))
        if named.get("lifecycle_stage") != "deleted":
            await self._tag(named["experiment_id"], {key: text for key, text in tags.items() if key not in known})
        self._tally.has(Kind.EXPERIMENT)
        return Placed(there, named["experiment_id"], own=False)

    async def _renew(self, placed: Placed, own: Json, tags: dict[str, str]) -> Placed:
        """One that was imported before. One in the bin here bears no new tags, and stays there."""
        if own.get("lifecycle_stage") == "deleted":
            self._tally.has(Kind.EXPERIMENT)
            return placed
        as_taken = shapes.marks(own.get("tags")).get(DIGEST) == tags[DIGEST]
        if not as_taken:
            await self._tag(placed.here, tags)
        if placed.binned:
            await self._sink.delete_experiment(placed.here)
        if as_taken and not placed.binned:
            self._tally.has(Kind.EXPERIMENT)
        else:
            self._tally.takes(Kind.EXPERIMENT, anew=False)
        return placed

    async def _tag(self, experiment: str, tags: dict[str, str]) -> None:
        for key, value in tags.items():
            await self._sink.tag_experiment(experiment, key, value)


def _origin(experiment: Json) -> tuple[str, str] | None:
    said = shapes.marks(experiment.get("tags"))
    return (said[FROM], said[EXPERIMENT]) if FROM in said and EXPERIMENT in said else None
