"""Takes one run: says what is not here yet, then its files, then that it is whole."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from murmur_cli.mlflow_import import shapes
from murmur_cli.mlflow_import.errors import Refusal
from murmur_cli.mlflow_import.files import Files
from murmur_cli.mlflow_import.pieces import Piece, Pieces
from murmur_cli.mlflow_import.shapes import BEGUN, DIGEST, FROM, Json, Measure, Place
from murmur_cli.mlflow_import.sink import Known, Sink
from murmur_cli.mlflow_import.source import Source
from murmur_cli.mlflow_import.tally import Kind, Tally

_LONGEST_REASON = 1900


@dataclass(frozen=True)
class Filed:
    """Where runs of an experiment go. binned: which are deleted with their experiment, and not by themselves."""

    experiment: str
    binned: bool
    known: Mapping[str, Known]


@dataclass
class Here:
    """What is here of a run already."""

    run: Json = field(default_factory=dict)
    points: dict[str, set[Place]] = field(default_factory=dict)

    def texts(self, kind: str) -> dict[str, str]:
        return shapes.pairs(self.run.get("data", {}).get(kind))

    def items(self, part: str, kind: str) -> list[Json]:
        found: list[Json] = self.run.get(part, {}).get(kind) or []
        return found


@dataclass
class Runs:
    """measures: what runs measured of logged models, by run; models: those that are here, or are coming."""

    source: Source
    sink: Sink
    files: Files
    tally: Tally
    measures: Mapping[str, Sequence[Json]]
    models: set[str]

    async def take(self, run: Json, filed: Filed) -> None:
        """Raises Lost, NoImport."""
        run_id = run["info"]["run_id"]
        measures = [one for one in self.measures.get(run_id, ()) if one["model_id"] in self.models]
        digest = shapes.run_digest(run, measures)
        known = filed.known.get(run_id)
        if known is not None and known.digest == digest:
            self.tally.has(Kind.RUN)
            return
        try:
            reasons = await self._bring(run, filed, digest, measures)
        except Refusal as refusal:
            self.tally.leaves(Kind.RUN, _title(run), str(refusal))
            return
        if reasons:
            self.tally.leaves(Kind.RUN, _title(run), f"it is here, but not whole: {'; '.join(reasons)}")
        else:
            self.tally.takes(Kind.RUN, anew=known is None or known.digest is None)

    async def _bring(self, run: Json, filed: Filed, digest: str, measures: Sequence[Json]) -> list[str]:
        """Why it is not whole. Raises Refusal."""
        info = run["info"]
        run_id = info["run_id"]
        known = filed.known.get(run_id)
        here = Here() if known is None else await self._here(run_id, run)
        head = {
            "run_id": run_id,
            "experiment": filed.experiment,
            "name": _name(run),
            "user": info.get("user_id") or "",
            "started": max(int(info.get("start_time") or 0), 0),
        }
        reasons, last = [], Piece()
        async for piece in self._pieces(run, here, measures):
            if not last.is_empty:
                reasons += await self._say(head, last)
            last = piece
        files = [file async for file in self.source.files_of_run(run_id)]
        self.tally.finds(Kind.FILE, len(files))
        if files or reasons:
            root = await self.sink.take_run({**head, **last.body(), "missing": BEGUN})
            opened = lambda path: self.source.open_of_run(run_id, path)  # noqa: E731  # a name for what follows
            reasons += await self.files.take(run_id, files, root, opened, fresh=known is None)
            last = Piece()
        await self.sink.take_run({**head, **self._closing(run, filed, digest, last, reasons)})
        return reasons

    async def _here(self, run_id: str, run: Json) -> Here:
        here = Here(await self.sink.reading.run(run_id))
        logged = {one["key"] for one in here.run.get("data", {}).get("metrics") or ()}
        for metric in run.get("data", {}).get("metrics") or ():
            if (key := metric["key"]) in logged:
                history = self.sink.reading.history(run_id, key)
                here.points[key] = {shapes.place(key, value) async for value in history}
        return here

    async def _pieces(self, run: Json, here: Here, measures: Sequence[Json]) -> AsyncIterator[Piece]:
        """All that is not here yet."""
        pieces = Pieces()
        for kind, key in (("parameters", "params"), ("tags", "tags")):
            known = here.texts(key)
            for name, value in shapes.pairs(run.get("data", {}).get(key)).items():
                if known.get(name) != value:
                    for full in pieces.text(kind, name, value):
                        yield full
        for kind, item in self._links(run, here):
            for full in pieces.item(kind, item):
                yield full
        for dataset in self._datasets(run, here):
            for full in (*pieces.cut(), *pieces.item("datasets", dataset), *pieces.cut()):
                yield full
        of_models = _by_place(measures)
        for metric in run.get("data", {}).get("metrics") or ():
            name = metric["key"]
            there = here.points.get(name, set())
            async for point in self.source.history(run["info"]["run_id"], name):
                if (place := shapes.place(name, point)) not in there:
                    for full in pieces.point(name, point, tuple(of_models.get(place, ()))):
                        yield full
        yield pieces.last()

    def _links(self, run: Json, here: Here) -> list[tuple[str, Json]]:
        told = []
        for kind, part, name in (
            ("models_read", "inputs", "model_inputs"),
            ("models_written", "outputs", "model_outputs"),
        ):
            known = [(one["model_id"], one.get("step") or 0) for one in here.items(part, name)]
            for one in (run.get(part) or {}).get(name) or ():
                step = one.get("step") or 0
                if (one["model_id"], step) not in known:
                    link = {"model_id": one["model_id"]}
                    told.append((kind, link if kind == "models_read" else {**link, "step": step}))
        return told

    def _datasets(self, run: Json, here: Here) -> list[Json]:
        known = {
            (one["dataset"]["name"], one["dataset"].get("digest")) for one in here.items("inputs", "dataset_inputs")
        }
        return [
            _dataset(one)
            for one in (run.get("inputs") or {}).get("dataset_inputs") or ()
            if (one["dataset"]["name"], one["dataset"].get("digest")) not in known
        ]

    async def _say(self, head: Json, piece: Piece) -> list[str]:
        """Why data sets are left: only they may be too large for any call. Raises Refusal."""
        body = piece.body()
        try:
            await self.sink.take_run({**head, **body, "missing": BEGUN})
        except Refusal as refusal:
            if set(body) != {"datasets"} or refusal.status not in (400, 413, 422):
                raise
            return [f"data set {one['name']!r}: {refusal}" for one in body["datasets"]]
        return []

    def _closing(self, run: Json, filed: Filed, digest: str, last: Piece, reasons: list[str]) -> Json:
        info = run["info"]
        body = last.body()
        status = info.get("status") or "RUNNING"
        ended = info.get("end_time")
        if ended is None and status in ("FINISHED", "FAILED", "KILLED"):
            ended = info.get("start_time")
        marks = {FROM: self.source.address} if reasons else {FROM: self.source.address, DIGEST: digest}
        return {
            **body,
            "tags": {**body.get("tags", {}), **marks},
            "status": status,
            **({} if ended is None else {"ended": max(int(ended), 0)}),
            "deleted": info.get("lifecycle_stage") == "deleted" and not filed.binned,
            "missing": "; ".join(reasons)[:_LONGEST_REASON] if reasons else None,
        }


def _title(run: Json) -> str:
    return f"{_name(run)} ({run['info']['run_id']})"


def _name(run: Json) -> str:
    tags = shapes.pairs(run.get("data", {}).get("tags"))
    return str(run["info"].get("run_name") or tags.get("mlflow.runName") or run["info"]["run_id"])


def _dataset(one: Json) -> Json:
    said: dict[str, Any] = one["dataset"]
    return {
        "name": said["name"],
        "digest": said.get("digest") or "",
        "source_type": said.get("source_type") or "",
        "source": said.get("source") or "",
        "schema_text": said.get("schema"),
        "profile": said.get("profile"),
        "tags": shapes.pairs(one.get("tags")),
    }


def _by_place(measures: Sequence[Json]) -> dict[Place, list[Measure]]:
    found: dict[Place, list[Measure]] = {}
    for one in measures:
        measure = Measure(one["model_id"], one.get("dataset_name") or None, one.get("dataset_digest") or None)
        found.setdefault(shapes.place(one["key"], shapes.point_of(one)), []).append(measure)
    return found
