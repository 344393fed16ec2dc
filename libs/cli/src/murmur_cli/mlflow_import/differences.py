"""What the source says of a run and is not here yet, piece by piece."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from murmur_cli.mlflow_import import shapes
from murmur_cli.mlflow_import.pieces import Piece, Pieces
from murmur_cli.mlflow_import.shapes import Json, Measure, Place
from murmur_cli.mlflow_import.sink import Sink
from murmur_cli.mlflow_import.source import Source

_LINKS = (("models_read", "inputs", "model_inputs"), ("models_written", "outputs", "model_outputs"))


@dataclass
class Here:
    """What is here of a run: of one that is not, nothing. points: of those metrics that the source has, too."""

    run: Json = field(default_factory=dict)
    points: dict[str, set[Place]] = field(default_factory=dict)

    def texts(self, kind: str) -> dict[str, str]:
        return shapes.pairs(self.run.get("data", {}).get(kind))

    def items(self, part: str, kind: str) -> list[Json]:
        return _items(self.run, part, kind)


async def look(sink: Sink, run: Json) -> Here:
    """What is here of a run of the source. Raises Refusal."""
    run_id = run["info"]["run_id"]
    here = Here(await sink.reading.run(run_id))
    logged = {one["key"] for one in here.run.get("data", {}).get("metrics") or ()}
    for metric in run.get("data", {}).get("metrics") or ():
        if (key := metric["key"]) in logged:
            here.points[key] = {shapes.place(key, point) async for point in sink.reading.history(run_id, key)}
    return here


async def differences(source: Source, run: Json, here: Here, measures: Sequence[Json]) -> AsyncIterator[Piece]:
    """The last piece may be empty. A data set is a piece of its own: only these may be too large for any call."""
    data = run.get("data", {})
    pieces = Pieces()
    for kind, name in (("parameters", "params"), ("tags", "tags")):
        known = here.texts(name)
        for key, value in shapes.pairs(data.get(name)).items():
            if known.get(key) != value:
                for full in pieces.text(kind, key, value):
                    yield full
    for kind, part, name in _LINKS:
        known_links = [_link(kind, one) for one in here.items(part, name)]
        for one in _items(run, part, name):
            if (link := _link(kind, one)) not in known_links:
                for full in pieces.item(kind, link):
                    yield full
    for dataset in _datasets(run, here):
        for full in (*pieces.cut(), *pieces.item("datasets", dataset), *pieces.cut()):
            yield full
    of_models = _by_place(measures)
    for metric in data.get("metrics") or ():
        name = metric["key"]
        there = here.points.get(name, set())
        async for point in source.history(run["info"]["run_id"], name):
            if (place := shapes.place(name, point)) not in there:
                for full in pieces.point(name, point, tuple(of_models.get(place, ()))):
                    yield full
    yield pieces.last()


def _items(run: Json, part: str, kind: str) -> list[Json]:
    found: list[Json] = (run.get(part) or {}).get(kind) or []
    return found


def _link(kind: str, one: Json) -> Json:
    step = {} if kind == "models_read" else {"step": one.get("step") or 0}
    return {"model_id": one["model_id"], **step}


def _datasets(run: Json, here: Here) -> list[Json]:
    def named(one: Json) -> tuple[str, str]:
        return one["dataset"]["name"], one["dataset"].get("digest") or ""

    known = {named(one) for one in here.items("inputs", "dataset_inputs")}
    return [_dataset(one) for one in _items(run, "inputs", "dataset_inputs") if named(one) not in known]


def _dataset(one: Json) -> Json:
    said: dict[str, Any] = one["dataset"]
    texts = {name: said.get(name) or "" for name in ("name", "digest", "source_type", "source")}
    tags = shapes.pairs(one.get("tags"))
    return {**texts, "schema_text": said.get("schema"), "profile": said.get("profile"), "tags": tags}


def _by_place(measures: Sequence[Json]) -> dict[Place, list[Measure]]:
    found: dict[Place, list[Measure]] = {}
    for one in measures:
        measure = Measure(one["model_id"], one.get("dataset_name") or None, one.get("dataset_digest") or None)
        found.setdefault(shapes.place(one["key"], shapes.point_of(one)), []).append(measure)
    return found
