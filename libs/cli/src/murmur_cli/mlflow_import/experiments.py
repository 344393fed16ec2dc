"""Takes experiments: each finds its place here, and goes to the bin once its runs are there."""

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

    async def close(self, placed: Placed) -> None:
        """Once its runs are there. Raises Refusal."""
        if placed.binned:
            experiment = await self._sink.wire.get("/api/2.0/mlflow/experiments/get", experiment_id=placed.here)
            if experiment["experiment"].get("lifecycle_stage") != "deleted":
                await self._sink.delete_experiment(placed.here)

    async def _place(self, there: Json, own: Json | None, named: Json | None) -> Placed:
        """Raises Refusal."""
        tags = shapes.pairs(there.get("tags"))
        digest = shapes.digest_of(tags)
        mine = {FROM: self._address, EXPERIMENT: there["experiment_id"], DIGEST: digest}
        if own is not None:
            if shapes.marks(own.get("tags")).get(DIGEST) == digest or own.get("lifecycle_stage") == "deleted":
                self._tally.has(Kind.EXPERIMENT)
            else:
                await self._tag(own["experiment_id"], {**tags, DIGEST: digest})
                self._tally.takes(Kind.EXPERIMENT, anew=False)
            return Placed(there, own["experiment_id"], own=True)
        if named is None:
            made = await self._sink.create_experiment(there["name"], {**tags, **mine})
            self._tally.takes(Kind.EXPERIMENT)
            return Placed(there, made, own=True)
        known = shapes.pairs(named.get("tags"))
        if named.get("lifecycle_stage") != "deleted":
            await self._tag(named["experiment_id"], {key: text for key, text in tags.items() if key not in known})
        self._tally.has(Kind.EXPERIMENT)
        return Placed(there, named["experiment_id"], own=False)

    async def _tag(self, experiment: str, tags: dict[str, str]) -> None:
        for key, value in tags.items():
            await self._sink.tag_experiment(experiment, key, value)


def _origin(experiment: Json) -> tuple[str, str] | None:
    said = shapes.marks(experiment.get("tags"))
    return (said[FROM], said[EXPERIMENT]) if FROM in said and EXPERIMENT in said else None
