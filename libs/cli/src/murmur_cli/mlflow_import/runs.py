"""Takes one run: says what is not here yet, then its files, then that it is whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from murmur_cli.mlflow_import import shapes
from murmur_cli.mlflow_import.differences import Here, differences, look
from murmur_cli.mlflow_import.errors import Refusal
from murmur_cli.mlflow_import.files import Files
from murmur_cli.mlflow_import.pieces import Piece
from murmur_cli.mlflow_import.shapes import BEGUN, DIGEST, FROM, Json
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
        here = Here() if known is None else await look(self.sink, run)
        head = {
            "run_id": run_id,
            "experiment": filed.experiment,
            "name": _name(run),
            "user": info.get("user_id") or "",
            "started": max(int(info.get("start_time") or 0), 0),
        }
        reasons, last = [], Piece()
        async for piece in differences(self.source, run, here, measures):
            if not last.is_empty:
                reasons += await self._say(head, last)
            last = piece
        files, unlisted = await self.files.listed(run_id, self.source.files_of_run(run_id))
        reasons += unlisted
        if files or reasons:
            root = await self.sink.take_run({**head, **last.body(), "missing": BEGUN})
            opened = lambda path: self.source.open_of_run(run_id, path)  # noqa: E731  # a name for what follows
            reasons += await self.files.take(run_id, files, root, opened, fresh=known is None)
            last = Piece()
        await self.sink.take_run({**head, **self._closing(run, filed, digest, last, reasons)})
        return reasons

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
