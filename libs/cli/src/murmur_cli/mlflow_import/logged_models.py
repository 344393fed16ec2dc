"""Takes the logged models of MLflow 3: what is said of one, then its files, then that it is whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from murmur_cli.mlflow_import import shapes
from murmur_cli.mlflow_import.errors import Refusal
from murmur_cli.mlflow_import.files import Files
from murmur_cli.mlflow_import.shapes import BEGUN, DIGEST, FROM, Json
from murmur_cli.mlflow_import.sink import Known, Sink
from murmur_cli.mlflow_import.source import Source
from murmur_cli.mlflow_import.tally import Kind, Tally

_STATUSES = {
    "LOGGED_MODEL_PENDING": "pending",
    "LOGGED_MODEL_READY": "ready",
    "LOGGED_MODEL_UPLOAD_FAILED": "failed",
}
_LONGEST_REASON = 1900


@dataclass
class LoggedModels:
    source: Source
    sink: Sink
    files: Files
    tally: Tally

    async def take(self, model: Json, experiment: str, known: Known | None) -> bool:
        """Whether it is here. What its runs measured of it comes with them. Raises Lost, NoImport."""
        info = model["info"]
        digest = _digest(model)
        known = known or await self.sink.known_model(info["model_id"])
        if known is not None and known.digest == digest:
            self.tally.has(Kind.LOGGED_MODEL)
            return True
        title = f"{info.get('name')} ({info['model_id']})"
        try:
            reasons = await self._bring(model, experiment, digest, fresh=known is None)
        except Refusal as refusal:
            self.tally.leaves(Kind.LOGGED_MODEL, title, str(refusal))
            return known is not None
        if reasons:
            self.tally.leaves(Kind.LOGGED_MODEL, title, f"it is here, but not whole: {'; '.join(reasons)}")
        else:
            self.tally.takes(Kind.LOGGED_MODEL, anew=known is None or known.digest is None)
        return True

    async def _bring(self, model: Json, experiment: str, digest: str, *, fresh: bool) -> list[str]:
        """Why it is not whole. Raises Refusal."""
        info = model["info"]
        model_id = info["model_id"]
        body = {
            "model_id": model_id,
            "experiment": experiment,
            "name": info.get("name") or model_id,
            "model_type": info.get("model_type") or "",
            "source_run": info.get("source_run_id") or "",
            "created_at": _moment(info.get("creation_timestamp_ms")),
            "updated_at": _moment(info.get("last_updated_timestamp_ms")),
            "parameters": shapes.pairs(model.get("data", {}).get("params")),
            "tags": shapes.pairs(info.get("tags")),
        }
        root = await self.sink.take_model({**body, "status": "pending", "missing": BEGUN})
        files, reasons = await self.files.listed(model_id, self.source.files_of_model(model_id))
        opened = lambda path: self.source.open_of_model(model_id, path)  # noqa: E731  # a name for what follows
        reasons += await self.files.take(model_id, files, root, opened, fresh=fresh)
        marks = {FROM: self.source.address} if reasons else {FROM: self.source.address, DIGEST: digest}
        await self.sink.take_model(
            {
                **body,
                "tags": {**body["tags"], **marks},
                "status": _STATUSES.get(str(info.get("status")), "pending"),
                "missing": "; ".join(reasons)[:_LONGEST_REASON] if reasons else None,
            }
        )
        return reasons


def measures_of(models: Iterable[Json]) -> Mapping[str, list[Json]]:
    """What runs measured of them, by run."""
    found: dict[str, list[Json]] = {}
    for model in models:
        for metric in model.get("data", {}).get("metrics") or ():
            if metric.get("run_id"):
                found.setdefault(metric["run_id"], []).append({**metric, "model_id": model["info"]["model_id"]})
    return found


def _digest(model: Json) -> str:
    names = ("name", "model_type", "source_run_id", "status", "creation_timestamp_ms", "last_updated_timestamp_ms")
    info = {name: model["info"].get(name) for name in names}
    return shapes.digest_of(info, shapes.pairs(model["info"].get("tags")), model.get("data", {}).get("params"))


def _moment(millis: int | str | None) -> str:
    return datetime.fromtimestamp(int(millis or 0) / 1000, UTC).isoformat()
